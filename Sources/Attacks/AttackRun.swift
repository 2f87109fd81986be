import Foundation
import Interpreters
import TensorTypes

/// The two phases of an attack on one batch, from one start.
struct AttackRun {
  /// An image that early stopping is done with.
  struct Settled {
    let iterate: Iterate
    let standing: Standing
    let sweeps: SweepCounts
  }

  var sweeps = SweepCounts()
  private(set) var settled: [Settled?]
  /// Whether time ran out.
  private(set) var isCut = false
  /// What the last check says about each image.
  private(set) var standings: [Standing]
  let driver: AttackDriver
  private let runner: any GraphRunner
  let batch: AttackBatch
  /// The maps that distances are taken to.
  private let maps: [[Float]]
  private let observer: AttackObserver
  private let restart: Int
  private let stopsEarly: Bool
  private let origin: HostTensor
  private let imageKeys: [UInt64]
  private let constants: [String: HostTensor]

  /// - Parameters:
  ///   - maps: one for each image: what ADV² goes for.
  ///   - restart: 0 for the first run.
  init(
    _ driver: AttackDriver, _ runner: any GraphRunner, _ batch: AttackBatch, maps: [[Float]], observer: AttackObserver,
    restart: Int = 0, stopsEarly: Bool
  ) {
    self.driver = driver
    self.runner = runner
    self.batch = batch
    self.maps = maps
    self.observer = observer
    self.restart = restart
    self.stopsEarly = stopsEarly
    let threat = driver.settings.threat
    origin = HostTensor(batch.shape, pixels(batch.levels))
    imageKeys = (0..<batch.count).map { KeyedRandom.key(batch.levels[batch.range($0)]) }
    settled = Array(repeating: nil, count: batch.count)
    standings = Array(repeating: Standing(passes: false, mapDistance: 0, probability: 0), count: batch.count)
    constants = [
      "origin": origin, "target": HostTensor([batch.count], batch.targets.map { Int64($0) }),
      // Away from a label is up the loss that leads to it.
      "alpha": HostTensor(.scalar, [Float(driver.settings.isUntargeted ? -threat.alpha : threat.alpha)]),
      "eps": HostTensor(.scalar, [Float(threat.eps)]),
    ]
  }

  /// PGD's iterates of interest, for each image.
  struct Descent {
    var last: [Iterate] = []
    /// The first iterate whose probability of the target reaches the confidence, where one does.
    var stopped: [Iterate?]
    var choice: IterateChoice
    /// The iterates of the whole batch after `snapshotAt` steps.
    var snapshot: [Float] = []
    /// Steps taken.
    var steps = 0

    mutating func takeOthers(_ image: Int, prefix: String, withLast: Bool = false) -> [(name: String, iterate: Iterate)] {
      (withLast ? [(prefix + "last", last[image])] : [])
        + [
          (prefix + "stopped", stopped[image] ?? last[image]), (prefix + "chosen", choice.best[image] ?? last[image]),
        ]
    }
  }

  /// The images themselves, or random places within eps of them.
  func start() -> [Float] {
    let settings = driver.settings
    guard restart > 0 || settings.startsAtRandom else { return origin.floats }
    return (0..<batch.count).flatMap { image in
      settings.threat.randomStart(Array(batch.levels[batch.range(image)]), seed: settings.seed, restart: restart)
    }
  }

  /// PGD (equation 1 of the paper).
  mutating func descent(steps: Int, checking: Bool, snapshotAt: Int? = nil, advance: () throws -> Void) throws -> Descent {
    var x = start()
    var descent = Descent(stopped: .init(repeating: nil, count: batch.count), choice: IterateChoice(count: batch.count))
    var isChecked = true
    var step = 0
    while step < steps, goesOn() {
      if step == snapshotAt { descent.snapshot = x }
      let (next, crossEntropy) = try take(AttackPrograms.pgdStepName, x, [:], step: step)
      if checking, step > 0 {
        // −log p of x itself, before the step.
        for image in 0..<batch.count where descent.stopped[image] == nil && settled[image] == nil {
          if isConfident(crossEntropy: Double(crossEntropy[image])) {
            descent.stopped[image] = iterate(x, image, step: step)
          }
        }
      }
      x = next
      step += 1
      isChecked = checking && isCheck(step, of: steps)
      if isChecked { try check(x, step: step, &descent.choice, keepingMap: false) }
      try advance()
    }
    if checking, !isChecked { try check(x, step: step, &descent.choice, keepingMap: false) }
    if snapshotAt ?? 0 >= step { descent.snapshot = x }
    try traceEnd(AttackPrograms.pgdStepName, x, step: step)
    descent.last = last(x, step: step)
    descent.steps = step
    return descent
  }

  /// The second phase of ADV²: both losses, stage by stage.
  mutating func secondPhase(from start: [Float], advance: () throws -> Void) throws -> (
    last: [Iterate], choice: IterateChoice
  ) {
    var x = start
    var choice = IterateChoice(count: batch.count)
    let mapTarget = HostTensor(driver.measurer.mapShape, maps.flatMap { $0 })
    let evasion = try evasionConstants(advance: advance)
    let objective = driver.settings.schedule.objective
    let evaded = objective.evaded.count { objective.evasion.runsNetwork(on: $0) }
    var step = 0
    var isChecked = false
    for (steps, part) in driver.settings.schedule.stages {
      for stageStep in 0..<steps where goesOn() {
        let coefficient = part.coefficient * (1 + part.growth * Double(stageStep + 1) / Double(steps))
        var inputs = ["mapTarget": mapTarget, "coefficient": HostTensor(.scalar, [Float(coefficient)])]
        if objective.smoothsLabels {
          inputs["labelProbability"] = labelProbabilities(progress: Double(stageStep) / Double(steps), step: step)
        }
        inputs.merge(evasion) { given, _ in given }
        inputs.merge(Evasion.inputs(of: objective, at: x, shape: batch.shape)) { given, _ in given }
        let alpha = driver.settings.threat.alpha * driver.settings.schedule.alphaShare(step: step)
        inputs["alpha"] = HostTensor(.scalar, [Float(alpha)])
        (x, _) = try take(AttackPrograms.stepName, x, inputs, step: step, coefficient: coefficient)
        sweeps += SweepCounts(forward: evaded, backward: evaded)
        sweeps += driver.mapSweeps
        step += 1
        isChecked = isCheck(stageStep + 1, of: steps)
        if isChecked { try check(x, step: step, &choice, keepingMap: true) }
        try advance()
      }
    }
    if !isChecked { try check(x, step: step, &choice, keepingMap: true) }
    try traceEnd(AttackPrograms.stepName, x, step: step)
    return (last(x, step: step), choice)
  }

  // MARK: Ending

  /// Whether there is time, and an image that is not done.
  mutating func goesOn() -> Bool {
    if !isCut { isCut = observer.isOver() }
    return !isCut && !(stopsEarly && settled.allSatisfy { $0 != nil })
  }

  private func isConfident(crossEntropy: Double) -> Bool {
    let confident = AttackSettings.confidentProbability
    return driver.settings.isUntargeted ? crossEntropy >= -log(1 - confident) : crossEntropy <= -log(confident)
  }

  /// What is done stays what it was, however long the others of its batch go on.
  private func last(_ x: [Float], step: Int) -> [Iterate] {
    (0..<batch.count).map { settled[$0]?.iterate ?? iterate(x, $0, step: step) }
  }

  // MARK: Steps

  /// U(0.95 + 0.04 · progress, 1) for each image (section 4.1 of the paper: the rest falls from 0.05 to 0.01).
  private func labelProbabilities(progress: Double, step: Int) -> HostTensor {
    let low = 0.95 + 0.04 * progress
    let random = KeyedRandom(seed: driver.settings.seed)
    return HostTensor([batch.count], imageKeys.map { Float(low + (1 - low) * random.unit(image: $0, draw: step)) })
  }

  mutating func take(
    _ graph: String, _ x: [Float], _ inputs: [String: HostTensor], step: Int, coefficient: Double = 0,
    isTraced: Bool = true
  ) throws -> (next: [Float], crossEntropy: [Float]) {
    let inputs = inputs.merging(constants) { given, _ in given }
      .merging(["x": HostTensor(batch.shape, x)]) { given, _ in given }
    let outputs = try runner.run(graph, inputs)
    guard let next = outputs["next"] else { throw AttackError.missingOutput(graph: graph, name: "next") }
    guard let loss = outputs["crossEntropy"]?.floats else {
      throw AttackError.missingOutput(graph: graph, name: "crossEntropy")
    }
    guard loss.areFinite else { throw AttackError.notFinite(graph: graph, step: step) }
    guard next.isFinite else { throw AttackError.stepNotFinite(graph: graph, step: step) }
    sweeps.forward += 1
    sweeps.backward += 1
    if isTraced, observer.trace != nil {
      let mapLoss = outputs["mapLoss"]?.floats ?? Array(repeating: 0, count: batch.count)
      let losses = zip(loss, mapLoss).map { (Double($0), Double($0) + coefficient * Double($1)) }
      // Outputs are read first: measuring takes their place.
      let result = (next.floats, loss)
      try trace(graph, x, step: step, losses: losses)
      return result
    }
    return (next.floats, loss)
  }

  private func trace(_ phase: String, _ x: [Float], step: Int, losses: [(crossEntropy: Double, sum: Double)]?) throws {
    guard let trace = observer.trace else { return }
    let measurements = try driver.measurer.measure(x, shape: batch.shape, classes: batch.targets, benign: maps)
    try trace(
      TracePoint.all(measurements, restart: restart, phase: phase, step: step, losses: losses)
        .filter { settled[$0.image] == nil })
  }

  private func traceEnd(_ phase: String, _ x: [Float], step: Int) throws { try trace(phase, x, step: step, losses: nil) }

  // MARK: Checks

  /// Whether a phase or stage stops to check: after its last step and every so many steps before.
  private func isCheck(_ step: Int, of steps: Int) -> Bool { (steps - step) % driver.settings.checkInterval == 0 }

  /// Is the iterate on the 8-bit lattice an attack, and how close is its map?
  private mutating func check(_ x: [Float], step: Int, _ choice: inout IterateChoice, keepingMap: Bool) throws {
    let settings = driver.settings
    let iterates = (0..<batch.count).map { iterate(x, $0, step: step) }
    let (measurements, classes) = try driver.measurer.judge(
      iterates.flatMap { pixels($0.levels) }, batch, benign: maps, isUntargeted: settings.isUntargeted)
    for _ in 0..<(settings.isUntargeted ? 2 : 1) { sweeps += driver.measurer.sweeps }
    let areDetected = try detections(iterates, measurements)
    for (image, measurement) in measurements.enumerated() where settled[image] == nil {
      var standing = Standing(measurement, target: classes[image], confidence: settings.confidence)
      standing.isDetected = areDetected[image]
      standings[image] = standing
      choice.consider(iterates[image], standing, image: image)
      let isClose = !keepingMap || standing.mapDistance <= AttackSettings.jointMapDistance
      if stopsEarly, standing.passes, isClose, !standing.isDetected {
        settled[image] = Settled(iterate: iterates[image], standing: standing, sweeps: sweeps)
      }
    }
  }

  /// For each iterate whether one of the evaded squeezers of a known detector tells it.
  private mutating func detections(_ iterates: [Iterate], _ measurements: [Measurement]) throws -> [Bool] {
    guard let detector = driver.settings.evadedDetector else { return iterates.map { _ in false } }
    sweeps.forward += detector.squeezers.count
    return try driver.measurer.areDetected(iterates, shape: batch.shape, by: detector, measurements)
  }

  private func iterate(_ x: [Float], _ image: Int, step: Int) -> Iterate {
    let range = batch.range(image)
    let own = Array(x[range])
    return Iterate(
      step: step, pixels: own,
      levels: driver.settings.threat.quantised(own, origin: Array(batch.levels[range])))
  }
}
