import Interpreters
import TensorTypes

/// A flow on its way, for the images of one batch.
struct FlowRun {
  /// Of the benign maps and of the steps; those of the checks stand apart.
  var sweeps: SweepCounts
  private(set) var checkSweeps = SweepCounts()
  private(set) var choice: IterateChoice
  /// Whether time ran out.
  private(set) var isCut = false
  private let driver: FlowDriver
  private let batch: AttackBatch
  private let maps: [[Float]]
  private let constants: [String: HostTensor]
  private var flow: HostTensor
  /// What the flow makes of the images.
  private var x: HostTensor
  private var optimiserState: [String: HostTensor]
  private var optimiserSteps = 0
  /// Steps of the present phase.
  private var step = 0
  /// Of an attack on MASK, from its second phase on.
  private var follower: MaskFollower?

  /// What traces call the first phase against MASK alone, whose program is that of the second.
  static let marginPhase = "flowMarginStep"

  /// What a step goes against.
  private struct Loss {
    let smoothness: Double
    var crossEntropyWeight = 1.0
    /// Of the maps in the graph.
    var coefficient = 0.0
    /// MASK's weighted loss of each image.
    var ofMasks: [Double]?
    /// What the graph takes beside the flow, its optimiser and the images.
    var inputs: [String: HostTensor] = [:]
  }

  /// A run from a random flow.
  /// - Throws: the error of the runner.
  init(_ driver: FlowDriver, _ batch: AttackBatch, maps: [[Float]]) throws {
    self.driver = driver
    self.batch = batch
    self.maps = maps
    choice = IterateChoice(count: batch.count)
    sweeps = driver.measurer.benignSweeps
    let origin = HostTensor(batch.shape, pixels(batch.levels))
    constants = ["origin": origin, "target": HostTensor([batch.count], batch.targets.map { Int64($0) })]
    let shape = FlowPrograms.flowShape(batch.shape)
    let random = KeyedRandom(seed: driver.settings.seed)
    let components = (0..<batch.count).flatMap { image in
      let key = KeyedRandom.key(batch.levels[batch.range(image)])
      return (0..<shape.elementCount / batch.count).map { index in
        let unit: Double = random.unit(image: key, draw: KeyedRandom.firstDrawOfFlow + index)
        return Float(driver.terms.initialFlow * (2 * unit - 1))
      }
    }
    flow = HostTensor(shape, components)
    optimiserState = driver.terms.optimiser.initialState(shape)
    x = try driver.runner.run(FlowPrograms.warpName, ["x": origin, "flow": flow]).required(
      "warped", of: FlowPrograms.warpName)
  }

  // MARK: Phases

  /// stAdv up to a number of steps; a check every so many steps before step `total`.
  mutating func descend(to end: Int, of total: Int, checking: Bool, _ advance: () throws -> Void) throws {
    let loss = Loss(smoothness: driver.terms.firstSmoothness ?? driver.terms.smoothness)
    while step < end, goesOn() {
      try take(FlowPrograms.stepName, driver.terms.optimiser, loss)
      if checking, (total - step) % driver.settings.checkInterval == 0 { _ = try check() }
      try advance()
    }
  }

  /// The first phase against MASK alone: down the margin.
  mutating func descendMargin(_ advance: () throws -> Void) throws {
    var loss = Loss(smoothness: driver.terms.firstSmoothness ?? driver.terms.smoothness)
    loss.inputs["gradient"] = HostTensor(batch.shape, [Float](repeating: 0, count: batch.shape.elementCount))
    loss.inputs["marginFloor"] = .scalar(driver.terms.marginFloor)
    while step < driver.settings.warm, goesOn() {
      try take(FlowPrograms.mapStepName, driver.terms.optimiser, loss, phase: Self.marginPhase)
      try advance()
    }
    try traceEnd(Self.marginPhase)
  }

  /// ADV²: the losses of prediction, maps and flow, stage by stage, each with a fresh optimiser.
  mutating func secondPhase(_ advance: () throws -> Void) throws {
    let settings = driver.settings
    follower = driver.mask.map {
      MaskFollower(
        driver.runner, $0, settings.mask, classes: batch.targets, maps: maps.map(driver.measurer.maskPart),
        seed: settings.seed)
    }
    step = 0
    var isChecked = true
    for (steps, part) in settings.schedule.stages {
      optimiserState = driver.terms.mapOptimiser.initialState(flow.shape)
      optimiserSteps = 0
      for stageStep in 1...max(steps, 1) where stageStep <= steps && goesOn() {
        if settings.mask.resets(at: step), follower != nil {
          let maskMaps = try check().map { driver.measurer.maskPart(of: $0.map) }
          follower?.restart(from: maskMaps)
        }
        let coefficient = part.coefficient * (1 + part.growth * Double(stageStep) / Double(steps))
        try take(FlowPrograms.mapStepName, driver.terms.mapOptimiser, try mapLoss(coefficient))
        sweeps += driver.mapSweeps
        isChecked = follower == nil && (steps - stageStep) % settings.checkInterval == 0
        if isChecked { _ = try check() }
        try advance()
      }
    }
    if !isChecked { _ = try check() }
  }

  /// What a step of the second phase goes against, once the masks have followed to where it begins.
  private mutating func mapLoss(_ coefficient: Double) throws -> Loss {
    let terms = driver.terms
    var loss = Loss(smoothness: terms.smoothness, coefficient: coefficient)
    if driver.settings.startsPlain {
      loss.crossEntropyWeight = terms.crossEntropyWeight
      loss.inputs["crossEntropyWeight"] = .scalar(terms.crossEntropyWeight)
    } else {
      loss.inputs["marginFloor"] = .scalar(terms.marginFloor)
    }
    if let target = driver.drawnTarget(maps) {
      loss.inputs["mapTarget"] = target
      loss.inputs["coefficient"] = .scalar(coefficient)
    }
    try add(maskWeight: driver.settings.startsPlain ? coefficient * terms.maskWeight : coefficient, to: &loss)
    return loss
  }

  private mutating func goesOn() -> Bool {
    if !isCut { isCut = driver.observer.isOver() }
    return !isCut
  }

  /// The same run, as if it had never been checked.
  mutating func forgetChecks() {
    checkSweeps = SweepCounts()
    choice = IterateChoice(count: batch.count)
  }

  /// The present iterate of an image.
  func iterate(_ image: Int) -> Iterate {
    let own = Array(x.floats[batch.range(image)])
    let moved = flow.floats
    let size = moved.count / batch.count
    return Iterate(
      step: step, pixels: own, levels: own.map { UInt8(min(max(($0 * 255).rounded(), 0), 255)) },
      flow: FlowMeasurement(
        Array(moved[image * size..<(image + 1) * size]), height: batch.shape[2], width: batch.shape[3]))
  }

  /// The iterate that the checks chose, or else the present one.
  func chosen(_ image: Int) -> Iterate { choice.best[image] ?? iterate(image) }

  // MARK: Steps

  /// - Parameter phase: what traces call it, where that is not the graph's name.
  private mutating func take(_ graph: String, _ optimiser: AMSGrad, _ loss: Loss, phase: String? = nil) throws {
    optimiserSteps += 1
    var inputs = constants.merging(optimiserState) { given, _ in given }
      .merging(optimiser.numbers(step: optimiserSteps)) { given, _ in given }
      .merging(loss.inputs) { given, _ in given }
    inputs["x"] = x
    inputs["flow"] = flow
    inputs["smoothness"] = .scalar(loss.smoothness)
    let outputs = try driver.runner.run(graph, inputs)
    let crossEntropy = outputs["crossEntropy"]?.floats
    let prediction = try crossEntropy ?? outputs.floats("clampedMargin", of: graph)
    let flowLoss = try outputs.floats("flowLoss", of: graph)
    guard (prediction + flowLoss).areFinite else { throw AttackError.notFinite(graph: graph, step: step) }
    let mapLoss = outputs["mapLoss"]?.floats
    flow = try outputs.required("next.flow", of: graph)
    guard flow.isFinite else { throw AttackError.stepNotFinite(graph: graph, step: step) }
    let before = x
    x = try outputs.required("next.x", of: graph)
    optimiserState = try optimiser.nextState(in: outputs, of: graph)
    try trace(
      phase ?? graph, before, crossEntropy: crossEntropy?.map(Double.init),
      sums: prediction.indices.map { image in
        loss.crossEntropyWeight * Double(prediction[image]) + loss.coefficient * Double(mapLoss?[image] ?? 0)
          + (loss.ofMasks?[image] ?? 0) + loss.smoothness * Double(flowLoss[image])
      })
    step += 1
    sweeps.forward += 1
    sweeps.backward += 1
  }

  /// Lets the masks follow, and adds what they will be next.
  private mutating func add(maskWeight weight: Double, to loss: inout Loss) throws {
    guard var follower else { return }
    sweeps += try follower.follow(x)
    if driver.settings.mask.lookaheadSteps > 0 {
      let (prospect, own) = try follower.lookAhead(from: x)
      sweeps += own
      loss.ofMasks = prospect.losses.map { weight * Double($0) }
      var gradient = prospect.direction.floats
      for image in batch.targets.indices {
        let factor = Float(weight) * prospect.norms[image]
        for index in batch.range(image) { gradient[index] *= factor }
      }
      loss.inputs["gradient"] = HostTensor(batch.shape, gradient)
    } else {
      loss.inputs["gradient"] = HostTensor(batch.shape, [Float](repeating: 0, count: batch.shape.elementCount))
    }
    self.follower = follower
  }

  // MARK: Checks

  /// Traces the present iterate, which no step follows.
  func traceEnd(_ phase: String) throws { try trace(phase, x) }

  /// - Parameter sums: of the weighted losses; nil where no step follows.
  private func trace(_ phase: String, _ x: HostTensor, crossEntropy: [Double]? = nil, sums: [Double]? = nil) throws {
    guard let trace = driver.observer.trace else { return }
    func point(_ image: Int, probability: Double, mapDistance: Double?) -> TracePoint {
      TracePoint(
        image: image, restart: 0, phase: phase, step: step, crossEntropy: crossEntropy?[image], loss: sums?[image],
        probability: probability, mapDistance: mapDistance)
    }
    if driver.mask != nil {
      let probabilities = try driver.measurer.probabilities(x.floats, shape: batch.shape)
      try trace(
        batch.targets.enumerated().map { image, target in
          point(image, probability: Double(probabilities[image][target]), mapDistance: follower?.distance(image))
        })
    } else {
      let measurements = try driver.measurer.measure(x.floats, shape: batch.shape, classes: batch.targets, benign: maps)
      try trace(
        measurements.enumerated().map { image, measurement in
          point(image, probability: measurement.targetProbability, mapDistance: measurement.l1)
        })
    }
  }

  /// Is the iterate on the 8-bit lattice an attack, and how close is its map?
  private mutating func check() throws -> [Measurement] {
    let iterates = (0..<batch.count).map(iterate)
    let measurements = try driver.measurer.measure(
      iterates.flatMap { pixels($0.levels) }, shape: batch.shape, classes: batch.targets, benign: maps)
    checkSweeps += driver.measurer.sweeps
    for (image, measurement) in measurements.enumerated() {
      let standing = Standing(measurement, target: batch.targets[image], confidence: driver.settings.confidence)
      choice.consider(iterates[image], standing, image: image)
    }
    if follower != nil { try driver.observer.trace?(TracePoint.all(measurements, phase: "check", step: step)) }
    return measurements
  }
}

extension KeyedRandom {
  /// Behind those of noise and starts.
  static let firstDrawOfFlow = 1 << 56
}
