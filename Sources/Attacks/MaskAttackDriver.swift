import Interpreters

/// ADV² against MASK: algorithm 1 of the paper with its optimisations.
///
/// In each iteration x moves a little towards the label; the mask follows with a few steps of its own optimisation; further
/// steps of it, unrolled in one graph, say in which direction x brings the masks to come closer to the benign one; and x
/// moves in it as far as the label endures, each image for itself. From time to time the mask is computed anew from the image
/// on the 8-bit lattice: these are the checks, of which the closest that passes is the result.
///
/// Deterministic; images of a batch do not influence one another.
public struct MaskAttackDriver: BatchAttack {
  public let settings: AttackSettings
  /// What judges iterates, with the recorded jitter.
  public let measurer: MaskMeasurer
  /// Its `trace` is called at the checks.
  public var observer = AttackObserver()
  private let runner: any GraphRunner

  /// - Throws: `AttackError.notAgainstMask` for settings that only other attacks have.
  public init(_ runner: any GraphRunner, measurer: MaskMeasurer, settings: AttackSettings) throws(AttackError) {
    if settings.isUntargeted { throw .notAgainstMask("untargeted form") }
    if settings.threat.norm != .linf { throw .notAgainstMask("\(settings.threat.norm.rawValue) norm") }
    if settings.restarts > 0 || settings.startsAtRandom { throw .notAgainstMask("random starts") }
    self.runner = runner
    self.measurer = measurer
    self.settings = settings
  }

  /// PGD as a comparison gets as many steps as the attack, at most 1,000.
  private var comparisonSteps: Int { settings.comparesWithPGD ? min(1000, settings.warm + settings.steps) : 0 }
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
    var run = MaskAttackRun(
      settings, runner, measurer, batch, maps: batch.mapTargets ?? benign.map(\.map), observer)
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
        passedCheck: run.choice.best[image] != nil, others: others, sweeps: settled?.sweeps ?? run.sweeps(of: image),
        comparisonSweeps: comparison.isEmpty ? SweepCounts() : comparison[image].sweeps,
        wasCut: run.isCut && settled == nil)
    }
  }
}
