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

  /// A run from a random flow.
  /// - Throws: the error of the runner.
  init(_ driver: FlowDriver, _ batch: AttackBatch, maps: [[Float]]) throws {
    self.driver = driver
    self.batch = batch
    self.maps = maps
    choice = IterateChoice(count: batch.count)
    sweeps = driver.measurer.sweeps + driver.measurer.sweeps
    let origin = HostTensor(batch.shape, pixels(batch.levels))
    constants = [
      "origin": origin, "target": HostTensor([batch.count], batch.targets.map { Int64($0) }),
      "smoothness": HostTensor(.scalar, [Float(driver.terms.smoothness)]),
    ]
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

  /// stAdv up to a number of steps; a check every so many steps before step `total`.
  mutating func descend(to end: Int, of total: Int, checking: Bool, _ advance: () throws -> Void) throws {
    while step < end, goesOn() {
      try take(FlowPrograms.stepName)
      if checking, (total - step) % driver.settings.checkInterval == 0 { try check() }
      try advance()
    }
  }

  /// ADV²: both losses and the flow's, stage by stage, each with a fresh optimiser.
  mutating func secondPhase(_ advance: () throws -> Void) throws {
    let target = HostTensor(driver.measurer.mapShape, maps.flatMap { $0 })
    step = 0
    var isChecked = true
    for (steps, part) in driver.settings.schedule.stages {
      optimiserState = driver.terms.optimiser.initialState(flow.shape)
      optimiserSteps = 0
      for stageStep in 1...max(steps, 1) where stageStep <= steps && goesOn() {
        let coefficient = part.coefficient * (1 + part.growth * Double(stageStep) / Double(steps))
        try take(
          FlowPrograms.mapStepName, mapTarget: target, crossEntropyWeight: driver.terms.crossEntropyWeight,
          coefficient: coefficient)
        sweeps = sweeps + driver.mapSweeps
        isChecked = (steps - stageStep) % driver.settings.checkInterval == 0
        if isChecked { try check() }
        try advance()
      }
    }
    if !isChecked { try check() }
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

  /// - Parameter mapTarget: of a step that keeps maps, with the weights of its losses.
  private mutating func take(
    _ graph: String, mapTarget: HostTensor? = nil, crossEntropyWeight: Double = 1, coefficient: Double = 0
  ) throws {
    optimiserSteps += 1
    var inputs = constants.merging(optimiserState) { given, _ in given }
      .merging(driver.terms.optimiser.numbers(step: optimiserSteps)) { given, _ in given }
    inputs["x"] = x
    inputs["flow"] = flow
    if let mapTarget {
      inputs["mapTarget"] = mapTarget
      inputs["crossEntropyWeight"] = HostTensor(.scalar, [Float(crossEntropyWeight)])
      inputs["coefficient"] = HostTensor(.scalar, [Float(coefficient)])
    }
    let outputs = try driver.runner.run(graph, inputs)
    let crossEntropy = try outputs.floats("crossEntropy", of: graph)
    let flowLoss = try outputs.floats("flowLoss", of: graph)
    guard (crossEntropy + flowLoss).allSatisfy(\.isFinite) else { throw AttackError.notFinite(graph: graph, step: step) }
    let mapLoss = try mapTarget.map { _ in try outputs.floats("mapLoss", of: graph) }
    flow = try outputs.required("next.flow", of: graph)
    guard flow.isFinite else { throw AttackError.stepNotFinite(graph: graph, step: step) }
    let before = x
    x = try outputs.required("next.x", of: graph)
    optimiserState = try driver.terms.optimiser.nextState(in: outputs, of: graph)
    let sums = crossEntropy.indices.map { image in
      crossEntropyWeight * Double(crossEntropy[image]) + coefficient * Double(mapLoss?[image] ?? 0)
        + driver.terms.smoothness * Double(flowLoss[image])
    }
    try trace(graph, before, losses: zip(crossEntropy, sums).map { (Double($0), $1) })
    step += 1
    sweeps.forward += 1
    sweeps.backward += 1
  }

  /// Traces the present iterate, which no step follows.
  func traceEnd(_ phase: String) throws { try trace(phase, x, losses: nil) }

  private func trace(_ phase: String, _ x: HostTensor, losses: [(crossEntropy: Double, sum: Double)]?) throws {
    guard let trace = driver.observer.trace else { return }
    let measurements = try driver.measurer.measure(x.floats, shape: batch.shape, classes: batch.targets, benign: maps)
    try trace(TracePoint.all(measurements, phase: phase, step: step, losses: losses))
  }

  /// Is the iterate on the 8-bit lattice an attack, and how close is its map?
  private mutating func check() throws {
    let iterates = (0..<batch.count).map(iterate)
    let measurements = try driver.measurer.measure(
      iterates.flatMap { pixels($0.levels) }, shape: batch.shape, classes: batch.targets, benign: maps)
    checkSweeps = checkSweeps + driver.measurer.sweeps
    for (image, measurement) in measurements.enumerated() {
      let standing = Standing(measurement, target: batch.targets[image], confidence: driver.settings.confidence)
      choice.consider(iterates[image], standing, image: image)
    }
  }
}

extension KeyedRandom {
  /// Behind those of noise and starts.
  static let firstDrawOfFlow = 1 << 56
}
