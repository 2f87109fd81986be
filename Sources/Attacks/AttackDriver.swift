import Interpreters

/// Runs an attack on batches of images: chooses the numbers and which program is next.
///
/// Deterministic; images of a batch do not influence one another.
public struct AttackDriver: BatchAttack {
  public let settings: AttackSettings
  /// What judges iterates.
  public let measurer: any MapMeasurer
  /// What the map in the loss costs beside the forward sweep.
  let mapSweeps: SweepCounts
  private let runner: any GraphRunner

  /// - Parameters:
  ///   - runner: runs the steps.
  ///   - mapSweeps: what the map in the loss costs beside the forward sweep.
  public init(
    _ runner: any GraphRunner, measurer: any MapMeasurer, mapSweeps: SweepCounts = SweepCounts(), settings: AttackSettings
  ) {
    self.runner = runner
    self.measurer = measurer
    self.mapSweeps = mapSweeps
    self.settings = settings
  }

  /// Attacks the images of a batch.
  /// - Parameters:
  ///   - benign: what `MapMeasurer.benign` says about them.
  ///   - progress: called after each gradient step with the number of steps done, of `settings.totalSteps`.
  /// - Throws: `AttackError`, or the error of the runner.
  public func attack(_ batch: AttackBatch, benign: [Measurement], progress: (Int) throws -> Void) throws -> [AttackOutcome] {
    var done = 0
    func advance() throws {
      done += 1
      try progress(done)
    }
    var run = AttackRun(self, runner, batch, maps: benign.map(\.map))
    run.countMaps(2)
    switch settings.method {
    case .pgd:
      var descent = try run.descent(steps: settings.steps, checking: true, advance: advance)
      return batch.targets.indices.map { image in
        AttackOutcome(
          label: benign[image].label, benign: benign[image], result: descent.last[image],
          passedCheck: descent.choice.best[image] != nil, others: descent.takeOthers(image, prefix: ""), sweeps: run.sweeps,
          comparisonSweeps: SweepCounts())
      }
    case .adv2:
      var comparison = AttackRun(self, runner, batch, maps: benign.map(\.map))
      var descent = try comparison.descent(
        steps: settings.pgdSteps, checking: settings.comparesWithPGD, snapshotAt: settings.warm, advance: advance)
      // The warm start is part of the attack; what PGD does beyond it is the comparison's.
      run.sweeps.forward += settings.warm
      run.sweeps.backward += settings.warm
      comparison.sweeps.forward -= settings.warm
      comparison.sweeps.backward -= settings.warm
      let second = try run.secondPhase(from: descent.snapshot, advance: advance)
      return batch.targets.indices.map { image in
        let chosen = second.choice.best[image]
        let others = settings.comparesWithPGD ? descent.takeOthers(image, prefix: "pgd.", withLast: true) : []
        return AttackOutcome(
          label: benign[image].label, benign: benign[image], result: chosen ?? second.last[image],
          passedCheck: chosen != nil, others: [("last", second.last[image])] + others, sweeps: run.sweeps,
          comparisonSweeps: comparison.sweeps)
      }
    }
  }
}
