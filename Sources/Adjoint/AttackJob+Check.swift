import Attacks
import Execution
import Interpreters

extension AttackJob {
  /// Ends an attack that was only to be timed.
  private struct Enough: Error {}

  /// Steps that cost the same, and how to time some of them.
  private struct TimedPhase {
    let name: String
    let steps: Int
    let sweeps: StepSweeps
    let settings: AttackSettings
    /// Steps that these settings have ahead of the phase.
    var ahead = 0
    /// Maps in all its steps that the timed ones do not see.
    var maps = 0
  }

  /// What one thing takes that is done to a batch.
  private struct BatchSeconds {
    let prediction, map, detection: Double
  }

  /// Finds out what attacking images costs. Nothing is written.
  /// - Parameters:
  ///   - request: the image to try.
  ///   - images: how many the call attacks.
  ///   - photos: how many unchanged photos it classifies beforehand.
  /// - Throws: what attacking the image throws before it begins. Cost: at most about a minute, but for programs whose single
  ///   step takes longer.
  public func check(_ request: AttackRequest, images: Int, photos: Int = 0) throws -> AttackCheck {
    let watch = try programs.watchedRunner(threads: options.threads)
    return try watch.naming { try check(request, images: images, photos: photos, watch) }
  }

  private func check(_ request: AttackRequest, images: Int, photos: Int, _ watch: WatchedRunner) throws -> AttackCheck {
    let runner = try map.runner(watch, imageShape: model.imageShape, seed: settings.seed)
    let measurer = try map.measurer(runner, imageShape: model.imageShape, seed: settings.seed)
    let candidate = try classified(
      Candidate(
        request: request, name: baseName(request.path), target: try request.target.map { try model.labels.index(of: $0) },
        imageSHA256: ""), measurer)
    let levels = repeated(try levels(of: request.path))
    let batch = AttackBatch(
      shape: model.imageShape, levels: levels, targets: Array(repeating: candidate.target ?? 0, count: model.batch))
    let benign = try measurer.benign(batch)
    let scorer = try scorer(measurer)
    let times = BatchSeconds(
      prediction: try seconds { _ = try measurer.probabilities(pixels(levels), shape: model.imageShape) },
      map: try seconds { _ = try measurer.measure(pixels(levels), shape: model.imageShape, classes: batch.targets) },
      detection: try seconds { _ = try scorer?.scores(levels, own: benign.map(\.probabilities)) })
    let phases = try phases(measurer).map { phase in
      AttackCheck.Phase(
        name: phase.name, steps: phase.steps, sweeps: phase.sweeps,
        secondsPerStep: try secondsPerStep(phase, runner, measurer, batch, benign)
          + Double(phase.maps) / Double(max(phase.steps, 1)) * times.map)
    }
    let batches = Double((images + model.batch - 1) / model.batch)
    let perBatch = phases.reduce(judging(times, measurer, isAlone: batches == 1)) {
      $0 + Double($1.steps) * $1.secondsPerStep
    }
    let classifying = Double(images) + (Double(photos) / Double(model.batch)).rounded(.up)
    let probabilities = benign[0].probabilities
    let order = probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
    func entry(_ index: Int) -> (name: String, probability: Double) {
      (model.labels.name(index), Double(probabilities[index]))
    }
    return AttackCheck(
      image: request.path, top: order.prefix(5).map(entry),
      target: settings.isUntargeted ? nil : candidate.target.map(entry),
      preprocessing: "\(model.imageShape[2]) x \(model.imageShape[3]) pixels, \(model.resizeRule.words), "
        + model.preprocessing.words,
      attack: "\(settings.method.rawValue) on \(map.interpreter.name)"
        + (settings.method.isFlow ? "" : ", eps \(settings.threat.eps) under \(settings.threat.norm.rawValue)"),
      programs: try programs.costs(), processor: programs.processor,
      threads: options.threads ?? ThreadPool.usableProcessorCount, batch: model.batch, phases: phases,
      secondsPerMap: times.map, images: images, seconds: batches * perBatch + classifying * times.prediction)
  }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    let begin = ContinuousClock.now
    try body()
    return (ContinuousClock.now - begin).seconds
  }

  /// Seconds that a batch takes beside its steps.
  /// - Parameter isAlone: whether there is no other batch, whose first image would be a control of this one's last.
  private func judging(_ times: BatchSeconds, _ measurer: any MapMeasurer, isAlone: Bool) -> Double {
    let benign = measurer.maskMeasurer == nil ? 2 : 1
    let comparison = settings.comparesWithPGD ? (settings.method.isFlow ? 2 : 3) : 0
    // The last iterate, or those of plain attacks beside it.
    let others = settings.method == .pgd ? 2 : 1 + comparison
    let judged = 2 + others
    let jitter = (measurer.maskMeasurer?.constants.margin ?? 0) > 0 ? 6 : 0
    let controls = 3
    return Double(benign * (isAlone ? 1 : 2) + judged + controls + jitter) * times.map
      + Double(settings.isUntargeted ? judged : 0) * times.prediction + Double(judged - 1) * times.detection
  }

  /// The phases of the attack.
  private func phases(_ measurer: any MapMeasurer) -> [TimedPhase] {
    let plain = StepSweeps(SweepCounts(forward: 1, backward: 1))
    let runs = 1 + settings.restarts
    var alone = settings
    alone.comparesWithPGD = false
    alone.restarts = 0
    alone.stopsEarly = false
    alone.squeezedSteps = 0
    func descent(_ name: String, steps: Int) -> TimedPhase {
      var descent = alone
      if descent.method.keepsMap { descent.method = descent.method.isFlow ? .stadv : .pgd }
      // Long enough that none of the checks which are few are among the timed steps.
      descent.descentSteps = max(steps, 1000)
      let isCheckedRarely = settings.checkInterval > 10
      let checks = (steps + settings.checkInterval - 1) / settings.checkInterval
      return TimedPhase(
        name: name, steps: steps, sweeps: plain, settings: descent, maps: isCheckedRarely ? checks : 0)
    }
    guard settings.method.keepsMap else { return [descent("steps", steps: settings.steps * runs)] }
    var first = alone
    first.schedule.warm = max(settings.warm, 1000)
    var second = alone
    second.schedule.warm = 0
    let objective = settings.schedule.objective
    let evaded = objective.evaded.count { objective.evasion.runsNetwork(on: $0) }
    let evading = SweepCounts(forward: 1 + evaded, backward: 1 + evaded)
    guard let mask = measurer.maskMeasurer else {
      first.comparesWithPGD = settings.comparesWithPGD
      let words = settings.comparesWithPGD ? "warm and \(settings.method.isFlow ? "stadv" : "pgd")" : "warm"
      let sweeps = StepSweeps(evading + map.stepSweeps)
      return [
        TimedPhase(
          name: words, steps: settings.pgdSteps + settings.restarts * settings.warm, sweeps: plain, settings: first),
        TimedPhase(name: "squeezed space", steps: settings.searchSteps * runs, sweeps: plain, settings: first),
        TimedPhase(name: "second phase", steps: settings.steps * runs, sweeps: sweeps, settings: second),
      ].filter { $0.steps > 0 }
    }
    let others = map.others.map { $0.sweeps }
    var sweeps = MaskIteration.sweeps(settings, iterationsOfMap: mask.constants.iterations, evaded: evaded)
    if let others { sweeps = sweeps + StepSweeps(others) }
    func maps(in iterations: Int) -> Int { Int(Double(iterations) * settings.mask.resetsPerIteration) + 1 }
    if settings.method.isFlow {
      let compared = settings.pgdSteps - settings.warm
      return [
        descent("stadv", steps: settings.comparesWithPGD ? compared : 0),
        TimedPhase(name: "warm", steps: settings.warm, sweeps: plain, settings: first),
        TimedPhase(
          name: "second phase", steps: settings.steps, sweeps: sweeps, settings: second, maps: maps(in: settings.steps)),
      ].filter { $0.steps > 0 }
    }
    // Sure of the target, an iteration saves most of its search.
    var third = alone
    third.schedule.warm = 20
    third.mask.jointShare = 1
    let iterations = others == nil ? settings.steps : settings.steps / settings.mask.jointShare
    return [
      descent("pgd", steps: settings.comparesWithPGD ? settings.comparisonSteps : 0),
      TimedPhase(name: "warm", steps: settings.warm, sweeps: StepSweeps(evading), settings: first),
      TimedPhase(
        name: "without mask", steps: settings.steps - iterations,
        sweeps: StepSweeps(SweepCounts(forward: 1, backward: 1) + (others ?? SweepCounts())), settings: second),
      TimedPhase(
        name: "second phase", steps: iterations, sweeps: sweeps, settings: third, ahead: third.schedule.warm,
        maps: maps(in: iterations)),
    ].filter { $0.steps > 0 }
  }

  /// The mean time of the ten steps after the first of a phase, of fewer where they take long.
  private func secondsPerStep(
    _ phase: TimedPhase, _ runner: any GraphRunner, _ measurer: any MapMeasurer, _ batch: AttackBatch,
    _ benign: [Measurement]
  ) throws -> Double {
    var job = self
    job.settings = phase.settings
    let driver = try job.driver(runner, measurer, AttackObserver())
    var begin = ContinuousClock.now
    var steps = -phase.ahead
    var first = begin
    var last = begin
    do {
      _ = try driver.attack(batch, benign: benign) { _ in
        last = ContinuousClock.now
        steps += 1
        if steps == 0 { begin = last }
        if steps == 1 { first = last }
        if steps > 10 || (steps > 0 && (last - begin).seconds > 20) { throw Enough() }
      }
    } catch is Enough {}
    return steps > 1 ? (last - first).seconds / Double(steps - 1) : (last - begin).seconds / Double(max(steps, 1))
  }
}
