import Interpreters
import TensorTypes

/// What a step against the other interpreters takes where MASK is one of several.
struct OthersThanMask {
  /// Their maps to go for.
  let target: HostTensor
  /// What their maps cost beyond a forward sweep.
  let mapSweeps: SweepCounts
  let smoothsLabels: Bool
  /// The weight of their loss.
  let coefficient: Double
}

/// The attack on one batch.
struct MaskAttackRun {
  /// What all images take alike, and what each takes beside it.
  private var sweeps: SweepCounts
  private var ownSweeps: [SweepCounts]
  private(set) var choice: IterateChoice
  /// Iterations done.
  private(set) var steps = 0
  /// Images that early stopping is done with.
  private(set) var settled: [AttackRun.Settled?]
  /// Whether time ran out.
  private(set) var isCut = false
  let settings: AttackSettings
  private let runner: any GraphRunner
  let measurer: any MapMeasurer
  let batch: AttackBatch
  /// The maps to go for.
  private let maps: [[Float]]
  private let iterations: Int
  private let startsWarm: Bool
  private let besides: OthersThanMask?
  private let observer: AttackObserver
  private let constants: [String: HostTensor]
  private var x: [Float]
  private var follower: MaskFollower
  /// The direction of the iteration before, of length 1 for each image; nil ahead of the first.
  private var direction: [Float]?

  /// - Parameters:
  ///   - start: where to begin; without it at the images, with a warm start.
  ///   - besides: the other interpreters of several.
  init(
    _ settings: AttackSettings, _ runner: any GraphRunner, _ measurer: any MapMeasurer, _ mask: MaskMeasurer,
    _ batch: AttackBatch, maps: [[Float]], start: [Float]?, iterations: Int, besides: OthersThanMask?,
    _ observer: AttackObserver
  ) {
    self.settings = settings
    self.runner = runner
    self.measurer = measurer
    self.batch = batch
    self.maps = maps
    self.iterations = iterations
    startsWarm = start == nil
    self.besides = besides
    self.observer = observer
    let origin = pixels(batch.levels)
    x = start ?? origin
    constants = [
      "origin": HostTensor(batch.shape, origin), "target": HostTensor([batch.count], batch.targets.map { Int64($0) }),
      "eps": HostTensor(.scalar, [Float(settings.threat.eps)]),
    ]
    follower = MaskFollower(
      runner, mask, settings.mask, classes: batch.targets, maps: maps.map(measurer.maskPart), seed: settings.seed)
    sweeps = measurer.benignSweeps
    ownSweeps = Array(repeating: SweepCounts(), count: batch.count)
    choice = IterateChoice(count: batch.count)
    settled = Array(repeating: nil, count: batch.count)
  }

  mutating func run(advance: () throws -> Void) throws {
    for step in 0..<(startsWarm ? settings.warm : 0) where goesOn() {
      try move(MaskPrograms.signStepName, by: settings.threat.alpha, step: step)
      try trace(MaskPrograms.signStepName, step: step + 1)
      try advance()
    }
    let schedule = settings.mask
    for step in 0..<iterations where goesOn() {
      if schedule.resets(at: step) {
        // The mask is computed anew, from the image on the lattice.
        follower.restart(from: try check(step: step).map { measurer.maskPart(of: $0.map) })
      }
      if let besides {
        try move(against: besides, by: schedule.jointStep * Double(iterations - step) / Double(iterations), step: step)
      } else {
        try move(MaskPrograms.marginStepName, by: schedule.predictionStep * scale, step: step)
      }
      sweeps += try follower.follow(HostTensor(batch.shape, x))
      var losses: [Float]?
      if schedule.lookaheadSteps > 0 {
        let (prospect, own) = try follower.lookAhead(from: HostTensor(batch.shape, x))
        sweeps += own
        losses = prospect.losses
        let largest = schedule.largestStep(at: step, of: iterations, isJoint: besides != nil)
        try search(along: mixed(prospect.direction.floats), upTo: largest * scale)
      }
      steps += 1
      try trace(MaskPrograms.lookaheadName, step: steps, follows: true, losses: losses)
      try advance()
    }
    if !settled.allSatisfy({ $0 != nil }) { _ = try check(step: steps) }
  }

  func sweeps(of image: Int) -> SweepCounts { sweeps + ownSweeps[image] }

  /// Whether there is time, and an image that is not done.
  private mutating func goesOn() -> Bool {
    if !isCut { isCut = observer.isOver() }
    return !isCut && !settled.allSatisfy { $0 != nil }
  }

  /// Step sizes are norms for 3 × 224 × 224 values.
  private var scale: Double { (Double(batch.imageSize) / Double(3 * 224 * 224)).squareRoot() }

  /// A step for the target's label, which looks at no map.
  private mutating func move(_ graph: String, by alpha: Double, step: Int) throws {
    var inputs = constants.merging(evasionInputs(x)) { given, _ in given }
    inputs["x"] = HostTensor(batch.shape, x)
    inputs["alpha"] = HostTensor(.scalar, [Float(alpha)])
    let outputs = try runner.run(graph, inputs)
    guard try outputs.floats("margin", of: graph).allSatisfy(\.isFinite) else {
      throw AttackError.notFinite(graph: graph, step: step)
    }
    let next = try outputs.floats("next", of: graph)
    guard next.areFinite else { throw AttackError.stepNotFinite(graph: graph, step: step) }
    x = next
    sweeps += SweepCounts(forward: 1 + evaded.count, backward: 1 + evaded.count)
  }

  /// A step against the cross entropy of the target and the maps of the other interpreters.
  private mutating func move(against others: OthersThanMask, by alpha: Double, step: Int) throws {
    let graph = AttackPrograms.stepName
    var inputs = constants
    inputs["x"] = HostTensor(batch.shape, x)
    inputs["alpha"] = HostTensor(.scalar, [Float(alpha)])
    inputs["mapTarget"] = others.target
    inputs["coefficient"] = HostTensor(.scalar, [Float(others.coefficient)])
    if others.smoothsLabels {
      // The mean at the end of the steps ahead of these.
      inputs["labelProbability"] = HostTensor([batch.count], [Float](repeating: 0.995, count: batch.count))
    }
    let outputs = try runner.run(graph, inputs)
    guard try outputs.floats("crossEntropy", of: graph).allSatisfy(\.isFinite) else {
      throw AttackError.notFinite(graph: graph, step: step)
    }
    x = try outputs.floats("next", of: graph)
    sweeps += SweepCounts(forward: 1, backward: 1) + others.mapSweeps
  }

  private mutating func check(step: Int) throws -> [Measurement] {
    let iterates = batch.targets.indices.map { iterate($0, step: step) }
    let measurements = try measurer.measure(
      iterates.flatMap { pixels($0.levels) }, shape: batch.shape, classes: batch.targets, benign: maps)
    sweeps += measurer.sweeps
    let areDetected = try settings.evadedDetector.map {
      sweeps.forward += $0.squeezers.count
      return try measurer.areDetected(iterates, shape: batch.shape, by: $0, measurements)
    }
    for (image, measurement) in measurements.enumerated() where settled[image] == nil {
      var standing = Standing(measurement, target: batch.targets[image], confidence: settings.confidence)
      standing.isDetected = areDetected?[image] ?? false
      choice.consider(iterates[image], standing, image: image)
      let isClose = standing.mapDistance <= AttackSettings.jointMapDistance
      if settings.stopsEarly, standing.passes, isClose, !standing.isDetected {
        settled[image] = AttackRun.Settled(iterate: iterates[image], standing: standing, sweeps: sweeps(of: image))
      }
    }
    try observer.trace?(TracePoint.all(measurements, phase: "check", step: step))
    return measurements
  }

  /// - Parameter follows: whether the attack follows masks there.
  private func trace(_ phase: String, step: Int, follows: Bool = false, losses: [Float]? = nil) throws {
    guard let trace = observer.trace else { return }
    let probabilities = try measurer.probabilities(x, shape: batch.shape)
    try trace(
      batch.targets.enumerated().filter { settled[$0.offset] == nil }.map { image, target in
        TracePoint(
          image: image, restart: 0, phase: phase, step: step, crossEntropy: nil, loss: losses.map { Double($0[image]) },
          probability: Double(probabilities[image][target]), mapDistance: follows ? follower.distance(image) : nil)
      })
  }

  /// The direction of this iteration: d / ‖d‖ with d = β · before + (1 − β) · newest of each image, β being the momentum.
  private mutating func mixed(_ newest: [Float]) -> HostTensor {
    let kept = settings.mask.momentum
    var result = newest
    if kept > 0, let before = direction {
      result = zip(newest, before).map { (1 - kept) * $0 + kept * $1 }
      for image in batch.targets.indices {
        let range = batch.range(image)
        let squares: Double = result[range].reduce(0) { $0 + Double($1) * Double($1) }
        guard squares > 0 else { continue }
        let factor = Float(1 / squares.squareRoot())
        for index in range { result[index] *= factor }
      }
    }
    direction = result
    return HostTensor(batch.shape, result)
  }

  /// Moves each image as far as its target keeps the required probability, its share of it in images squeezed by what is
  /// evaded too; not at all where it never does. Without halvings each moves all the way.
  private mutating func search(along direction: HostTensor, upTo largest: Double) throws {
    let graph = MaskPrograms.searchName
    var inputs = constants
    inputs["x"] = HostTensor(batch.shape, x)
    inputs["direction"] = direction
    let halvings = settings.mask.halvings(isShared: settings.sharesMaskSteps)
    if halvings == 0 {
      inputs["alphas"] = HostTensor([batch.count], [Float](repeating: Float(largest), count: batch.count))
      x = try runner.run(graph, inputs).floats("next", of: graph)
      sweeps.forward += 1
      return
    }
    var low = [Double](repeating: 0, count: batch.count)
    var high = [Double](repeating: largest, count: batch.count)
    var open = Array(batch.targets.indices)
    // The largest first, then halvings below it.
    for attempt in 0...halvings where !open.isEmpty {
      let tried = zip(low, high).map { attempt == 0 ? $1 : ($0 + $1) / 2 }
      inputs["alphas"] = HostTensor([batch.count], tried.map { Float($0) })
      let outputs = try runner.run(graph, inputs)
      let measured = try outputs.floats("targetProbability", of: graph)
      let next = try outputs.floats("next", of: graph)
      let squeezed = try squeezedProbabilities(next)
      for image in open {
        ownSweeps[image].forward += 1 + evaded.count
        let probability = min(Double(measured[image]), squeezed?[image] ?? 1)
        if probability >= settings.mask.requiredProbability {
          low[image] = tried[image]
          x.replaceSubrange(batch.range(image), with: next[batch.range(image)])
        } else {
          high[image] = tried[image]
        }
      }
      open.removeAll { low[$0] == high[$0] }
    }
  }

  func iterate(_ image: Int, step: Int) -> Iterate { iterate(x, image, step: step) }

  func iterate(_ x: [Float], _ image: Int, step: Int) -> Iterate {
    let range = batch.range(image)
    let own = Array(x[range])
    return Iterate(
      step: step, pixels: own, levels: settings.threat.quantised(own, origin: Array(batch.levels[range])))
  }
}
