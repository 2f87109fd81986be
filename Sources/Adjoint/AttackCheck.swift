import Attacks
import Execution
import Interpreters

/// What an attack would do and cost, found out on one image without attacking it: its unchanged prediction, and the times of
/// a few steps, which are then forgotten.
public struct AttackCheck: Sendable {
  /// A phase of the attack, each of whose steps costs the same.
  public struct Phase: Sendable {
    public let name: String
    public let steps: Int
    /// For each image.
    public let sweeps: StepSweeps
    /// For a batch, checks of iterates included.
    public let secondsPerStep: Double
  }

  public let image: String
  /// The most probable classes, most probable first, at most five.
  public let top: [(name: String, probability: Double)]
  /// Nil without a target.
  public let target: (name: String, probability: Double)?
  public let preprocessing: String
  public let attack: String
  public let programs: [ProgramCost]
  public let processor: String
  public let threads: Int
  public let batch: Int
  public let phases: [Phase]
  /// Of measuring a batch with the interpreter.
  public let secondsPerMap: Double
  public let images: Int
  /// Of the whole call, without compiling.
  public let seconds: Double

  public var batches: Int { (images + batch - 1) / batch }

  /// One fact a line.
  public var text: String {
    func words(_ entry: (name: String, probability: Double)) -> String {
      "\(entry.name) \(probability(entry.probability))"
    }
    var lines = [("image", image), ("prediction", top.map(words).joined(separator: ", "))]
    if let target { lines.append(("target", words(target))) }
    lines += [("preprocessing", preprocessing), ("attack", attack)]
    lines += programs.map { ("program", $0.text) }
    lines.append(("runs on", "\(processor), \(threads) thread\(threads == 1 ? "" : "s"), batches of \(batch)"))
    lines += phases.map { phase in
      (
        phase.name,
        "\(phase.steps) steps of \(duration(phase.secondsPerStep)) a batch; for each image \(phase.sweeps.text)"
      )
    }
    lines += [
      ("map", "\(duration(secondsPerMap)) a batch"),
      (
        "whole call",
        "about \(duration(seconds)) for \(images) image\(images == 1 ? "" : "s") in \(batches) "
          + "batch\(batches == 1 ? "" : "es"), compiling aside"
      ),
    ]
    let width = lines.map(\.0.count).max() ?? 0
    return lines.map { $0.0 + String(repeating: " ", count: width + 2 - $0.0.count) + $0.1 }.joined(separator: "\n")
  }

  /// With three significant digits where it is small.
  private func probability(_ number: Double) -> String {
    guard number > 0, number < 0.001 else { return fixed(number, 3) }
    var (exponent, digits) = (0, number)
    while digits < 1 { (digits, exponent) = (digits * 10, exponent + 1) }
    return "\(fixed(digits, 1))e-\(exponent)"
  }

  private func duration(_ seconds: Double) -> String {
    switch seconds {
    case ..<1: "\(fixed(seconds * 1e3, 1)) ms"
    case ..<120: "\(fixed(seconds, 1)) s"
    case ..<7200: "\(fixed(seconds / 60, 1)) min"
    default: "\(fixed(seconds / 3600, 1)) h"
    }
  }
}

/// Sweeps of the network in a step; fractions where something is done once in several steps.
public struct StepSweeps: Sendable {
  public let forward: Double
  public let backward: Double
  public let secondOrder: Double

  public init(forward: Double, backward: Double, secondOrder: Double) {
    self.forward = forward
    self.backward = backward
    self.secondOrder = secondOrder
  }

  public init(_ counts: SweepCounts) {
    self.init(
      forward: Double(counts.forward), backward: Double(counts.backward), secondOrder: Double(counts.secondOrder))
  }

  var text: String {
    func words(_ number: Double) -> String { number == number.rounded() ? "\(Int(number))" : fixed(number, 1) }
    return "\(words(forward)) forward, \(words(backward)) backward, \(words(secondOrder)) second-order sweeps"
  }
}

extension AttackJob {
  /// Ends an attack that was only to be timed.
  private struct Enough: Error {}

  /// Finds out what attacking images costs. Nothing is written.
  /// - Parameters:
  ///   - request: the image to try.
  ///   - images: how many the call attacks.
  ///   - photos: how many unchanged photos it measures beforehand.
  /// - Throws: what attacking the image throws before it begins. Cost: at most about a minute, but for programs whose single
  ///   step takes longer.
  public func check(_ request: AttackRequest, images: Int, photos: Int = 0) throws -> AttackCheck {
    let watch = try programs.watchedRunner(threads: options.threads)
    return try watch.naming { try check(request, images: images, photos: photos, watch) }
  }

  private func check(_ request: AttackRequest, images: Int, photos: Int, _ watch: WatchedRunner) throws -> AttackCheck {
    let runner = map.runner(watch, imageShape: model.imageShape, seed: settings.seed)
    let measurer = try map.measurer(runner, imageShape: model.imageShape, seed: settings.seed)
    let candidate = try classified(
      Candidate(
        request: request, name: baseName(request.path), target: try request.target.map { try model.labels.index(of: $0) },
        imageSHA256: ""), measurer)
    let levels = repeated(try levels(of: request.path))
    let batch = AttackBatch(
      shape: model.imageShape, levels: levels, targets: Array(repeating: candidate.target ?? 0, count: model.batch))
    let benign = try measurer.benign(batch)
    let begin = ContinuousClock.now
    _ = try measurer.measure(pixels(levels), shape: model.imageShape, classes: batch.targets)
    let secondsPerMap = (ContinuousClock.now - begin).seconds
    let phases = try phases().map { phase in
      AttackCheck.Phase(
        name: phase.name, steps: phase.steps, sweeps: phase.sweeps,
        secondsPerStep: try secondsPerStep(phase.settings, runner, measurer, batch, benign)
          + (map.interpreter.name == "mask" && phase.settings.warm == 0
            ? secondsPerMap * settings.mask.resetsPerIteration : 0))
    }
    let batchCount = Double((images + model.batch - 1) / model.batch)
    // Benign twice, float image, PNG, last iterate, three controls; of a comparison three iterates, of MASK the jitter's.
    let maps = 8 + (settings.comparesWithPGD ? 3 : 0) + (map.interpreter.name == "mask" ? 7 : 0)
    let perBatch = phases.reduce(Double(maps) * secondsPerMap) { $0 + Double($1.steps) * $1.secondsPerStep }
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
      secondsPerMap: secondsPerMap, images: images,
      seconds: batchCount * perBatch + secondsPerMap * (Double(photos) / Double(model.batch)).rounded(.up))
  }

  /// The phases of the attack, each with settings under which it is the first.
  private func phases() -> [(name: String, steps: Int, sweeps: StepSweeps, settings: AttackSettings)] {
    let plain = StepSweeps(SweepCounts(forward: 1, backward: 1))
    let runs = 1 + settings.restarts
    var alone = settings
    alone.comparesWithPGD = false
    alone.restarts = 0
    alone.stopsEarly = false
    guard settings.method.keepsMap else { return [("steps", settings.steps * runs, plain, alone)] }
    let warmSteps = settings.pgdSteps + settings.restarts * settings.warm
    var first = alone
    first.schedule.warm = max(settings.warm, 1000)
    var second = alone
    second.schedule.warm = 0
    let isMask = map.interpreter.name == "mask" && settings.method == .adv2
    let evaded = settings.schedule.objective.evaded.count
    let sweeps =
      isMask
      ? MaskIteration.sweeps(settings.mask, iterationsOfMap: map.sweeps.forward)
      : StepSweeps(
        SweepCounts(forward: 1 + evaded, backward: 1 + evaded) + map.stepSweeps)
    return (warmSteps > 0 ? [("warm", warmSteps, plain, first)] : [])
      + [("second phase", settings.steps * runs, sweeps, second)]
  }

  /// The mean time of the ten steps after the first, of fewer where they take long.
  private func secondsPerStep(
    _ settings: AttackSettings, _ runner: any GraphRunner, _ measurer: any MapMeasurer, _ batch: AttackBatch,
    _ benign: [Measurement]
  ) throws -> Double {
    var job = self
    job.settings = settings
    let driver = try job.driver(runner, measurer, AttackObserver())
    let begin = ContinuousClock.now
    var steps = 0
    var first = begin
    var last = begin
    do {
      _ = try driver.attack(batch, benign: benign) { _ in
        last = ContinuousClock.now
        steps += 1
        if steps == 1 { first = last }
        if steps > 10 || (last - begin).seconds > 20 { throw Enough() }
      }
    } catch is Enough {}
    return steps > 1 ? (last - first).seconds / Double(steps - 1) : (last - begin).seconds / Double(max(steps, 1))
  }
}
