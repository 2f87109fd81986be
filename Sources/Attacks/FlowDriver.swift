import Interpreters
import TensorTypes

/// Runs stAdv, and ADV² on stAdv, on batches of images (section 4.5 of the paper): a flow moves their pixels, and no eps
/// bounds it.
///
/// Against MASK the mask follows in each step of the second phase, and the gradient of what it will be next is one of those
/// that move the flow; it is computed anew from time to time, which is when iterates are checked.
///
/// Deterministic; images of a batch do not influence one another.
public struct FlowDriver: BatchAttack {
  public let settings: AttackSettings
  public let measurer: any MapMeasurer
  public var observer = AttackObserver()
  let runner: any GraphRunner
  let terms: FlowTerms
  /// What the maps in the loss cost beside the forward sweep, but MASK's.
  let mapSweeps: SweepCounts

  /// - Parameters:
  ///   - runner: runs the graphs of ``FlowPrograms``.
  ///   - mapSweeps: what the maps in the loss cost beside the forward sweep, but MASK's.
  public init(
    _ runner: any GraphRunner, measurer: any MapMeasurer, mapSweeps: SweepCounts = SweepCounts(), settings: AttackSettings
  ) {
    self.runner = runner
    self.measurer = measurer
    self.mapSweeps = mapSweeps
    self.settings = settings
    terms = settings.schedule.flow ?? FlowTerms()
  }

  /// What measures MASK, where it is the interpreter or one of several.
  var mask: MaskMeasurer? { measurer.maskMeasurer }

  /// Of the maps to go for those that are drawn into the graph of a step; nil against MASK alone.
  func drawnTarget(_ maps: [[Float]]) -> HostTensor? {
    guard mask != nil else { return HostTensor(measurer.mapShape, maps.flatMap { $0 }) }
    return (measurer as? JointMeasurer).map { joint in
      HostTensor(joint.drawn.mapShape, maps.flatMap(joint.drawnPart))
    }
  }

  /// The result of stAdv is its last iterate, that of ADV² the one with the closest map among those that pass on the 8-bit
  /// lattice. Beside them stand `chosen` of the one and `last` of the other, and of the comparison `stadv.last` and
  /// `stadv.chosen`.
  public func attack(_ batch: AttackBatch, benign: [Measurement], progress: (Int) throws -> Void) throws -> [AttackOutcome] {
    var done = 0
    func advance() throws {
      done += 1
      try progress(done)
    }
    let compares = settings.method.keepsMap && settings.comparesWithPGD
    let plainSteps = settings.method.keepsMap ? FlowTerms.plainSteps : settings.steps
    var run = try FlowRun(self, batch, maps: batch.mapTargets ?? benign.map(\.map))
    // Where the first phase is stAdv itself, the comparison shares its steps.
    let first = settings.startsPlain ? settings.warm : 0
    let shared = compares ? min(first, plainSteps) : settings.method.keepsMap ? first : plainSteps
    try run.descend(to: shared, of: plainSteps, checking: compares || !settings.method.keepsMap, advance)
    guard settings.method.keepsMap else {
      try run.traceEnd(FlowPrograms.stepName)
      return benign.enumerated().map { image, measured in
        AttackOutcome(
          label: measured.label, benign: measured, result: run.iterate(image), passedCheck: run.choice.best[image] != nil,
          others: [("chosen", run.chosen(image))], sweeps: run.sweeps + run.checkSweeps, comparisonSweeps: SweepCounts(),
          wasCut: run.isCut)
      }
    }
    var plain = run
    plain.sweeps = SweepCounts()
    if compares { try plain.descend(to: plainSteps, of: plainSteps, checking: true, advance) }
    if compares || settings.startsPlain { try plain.traceEnd(FlowPrograms.stepName) }
    run.forgetChecks()
    if settings.startsPlain {
      try run.descend(to: settings.warm, of: settings.warm, checking: false, advance)
    } else {
      try run.descendMargin(advance)
    }
    try run.secondPhase(advance)
    try run.traceEnd(FlowPrograms.mapStepName)
    return benign.enumerated().map { image, measured in
      let comparison =
        compares ? [("stadv.last", plain.iterate(image)), ("stadv.chosen", plain.chosen(image))] : []
      return AttackOutcome(
        label: measured.label, benign: measured, result: run.chosen(image), passedCheck: run.choice.best[image] != nil,
        others: [("last", run.iterate(image))] + comparison, sweeps: run.sweeps + run.checkSweeps,
        comparisonSweeps: plain.sweeps + plain.checkSweeps, wasCut: run.isCut)
    }
  }
}
