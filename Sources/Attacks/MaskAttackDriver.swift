import Interpreters
import TensorTypes

/// ADV² against MASK: algorithm 1 of the paper with its optimisations.
///
/// In each iteration x moves a little towards the label; the mask follows with a few steps of its own optimisation; further
/// steps of it, unrolled in one graph, say in which direction x brings the masks to come closer to the benign one; and x
/// moves in it as far as the label endures, each image for itself. From time to time the mask is computed anew from the
/// image on the 8-bit lattice: these are the checks, of which the closest that passes is the result.
///
/// Against MASK and other interpreters at once, ADV² against the others alone comes first; then a short step against the
/// loss of all of them but MASK takes the place of the step down the margin.
///
/// Deterministic; images of a batch do not influence one another.
public struct MaskAttackDriver: BatchAttack {
  public let settings: AttackSettings
  /// What judges iterates, with the recorded jitter.
  public let measurer: any MapMeasurer
  /// Its `trace` leaves out PGD as a comparison, each of whose maps would be a whole descent.
  public var observer = AttackObserver()
  private let runner: any GraphRunner
  private let mask: MaskMeasurer
  /// Of several interpreters at once.
  private let joint: JointMeasurer?
  /// What the maps beside MASK cost in a step, beyond its forward sweep.
  private let mapSweeps: SweepCounts

  /// - Throws: `AttackError.notAgainstMask` for settings that only other attacks have.
  public init(_ runner: any GraphRunner, measurer: MaskMeasurer, settings: AttackSettings) throws(AttackError) {
    try self.init(runner, measurer, mask: measurer, joint: nil, mapSweeps: SweepCounts(), settings)
  }

  /// Against MASK and others at once.
  /// - Parameter mapSweeps: what the maps beside MASK cost in a step, beyond its forward sweep.
  /// - Throws: as the other.
  public init(_ runner: any GraphRunner, joint: JointMeasurer, mapSweeps: SweepCounts, settings: AttackSettings)
    throws(AttackError)
  {
    try self.init(runner, joint, mask: joint.mask, joint: joint, mapSweeps: mapSweeps, settings)
  }

  private init(
    _ runner: any GraphRunner, _ measurer: any MapMeasurer, mask: MaskMeasurer, joint: JointMeasurer?,
    mapSweeps: SweepCounts, _ settings: AttackSettings
  ) throws(AttackError) {
    if settings.isUntargeted { throw .notAgainstMask("untargeted form") }
    if settings.threat.norm != .linf { throw .notAgainstMask("\(settings.threat.norm.rawValue) norm") }
    if settings.restarts > 0 || settings.startsAtRandom { throw .notAgainstMask("random starts") }
    self.runner = runner
    self.measurer = measurer
    self.mask = mask
    self.joint = joint
    self.mapSweeps = mapSweeps
    self.settings = settings
  }

  /// The iterations in which all interpreters are attacked, after the others alone.
  private var jointIterations: Int { settings.steps / settings.mask.jointShare }

  private func driverAgainstOthers(_ joint: JointMeasurer) throws -> AttackDriver {
    var alone = settings
    alone.schedule.steps = settings.steps - jointIterations
    alone.comparesWithPGD = false
    alone.stopsEarly = false
    alone.checkInterval = AttackSettings.jointCheckInterval
    var driver = AttackDriver(runner, measurer: joint.drawn, mapSweeps: mapSweeps, settings: alone)
    driver.observer = observer
    return driver
  }

  /// Steps of PGD as a comparison.
  private var comparisonSteps: Int { settings.comparesWithPGD ? settings.comparisonSteps : 0 }
  public var totalSteps: Int { settings.warm + settings.steps + comparisonSteps }

  public func attack(_ batch: AttackBatch, benign: [Measurement], progress: (Int) throws -> Void) throws -> [AttackOutcome] {
    var comparison: [AttackOutcome] = []
    if settings.comparesWithPGD {
      var plain = settings
      plain.method = .pgd
      plain.descentSteps = comparisonSteps
      plain.stopsEarly = false
      var driver = AttackDriver(runner, measurer: measurer, settings: plain)
      driver.observer.isOver = observer.isOver
      comparison = try driver.attack(batch, benign: benign, progress: progress)
    }
    var done = comparisonSteps
    let maps = batch.mapTargets ?? benign.map(\.map)
    var run: MaskAttackRun
    var first: [AttackOutcome] = []
    if let joint {
      let driver = try driverAgainstOthers(joint)
      var others = batch
      others.mapTargets = maps.map(joint.drawnPart)
      first = try driver.attack(others, benign: benign.map(joint.drawnMeasurement)) { try progress(done + $0) }
      done += driver.totalSteps
      let besides = OthersThanMask(
        target: HostTensor(joint.drawn.mapShape, maps.flatMap(joint.drawnPart)), mapSweeps: mapSweeps,
        smoothsLabels: settings.schedule.objective.smoothsLabels,
        coefficient: settings.schedule.coefficient * (1 + (settings.schedule.parts.last?.growth ?? 0)))
      run = MaskAttackRun(
        settings, runner, measurer, mask, batch, maps: maps, start: first.flatMap(\.result.pixels),
        iterations: jointIterations, besides: besides, observer)
    } else {
      run = MaskAttackRun(
        settings, runner, measurer, mask, batch, maps: maps, start: nil, iterations: settings.steps, besides: nil, observer)
    }
    func sweeps(_ own: SweepCounts, _ image: Int) -> SweepCounts {
      guard let joint, !first.isEmpty else { return own }
      // The maps of the unchanged images were there before.
      return own + first[image].sweeps - joint.drawn.benignSweeps
    }
    try run.run {
      done += 1
      try progress(done)
    }
    return batch.targets.indices.map { image in
      let settled = run.settled[image]
      let last = settled?.iterate ?? run.iterate(image, step: run.steps)
      var others = [("last", last)]
      if !comparison.isEmpty {
        others.append(("pgd.last", comparison[image].result))
        others += comparison[image].others.map { ("pgd.\($0.name)", $0.iterate) }
      }
      return AttackOutcome(
        label: benign[image].label, benign: benign[image], result: run.choice.best[image] ?? last,
        passedCheck: run.choice.best[image] != nil, others: others,
        sweeps: sweeps(settled?.sweeps ?? run.sweeps(of: image), image),
        comparisonSweeps: comparison.isEmpty ? SweepCounts() : comparison[image].sweeps,
        wasCut: run.isCut && settled == nil)
    }
  }
}
