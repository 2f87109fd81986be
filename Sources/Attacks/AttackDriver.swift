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
  public var observer = AttackObserver()
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

  /// Attacks the images of a batch, once or from several starts.
  /// - Parameters:
  ///   - benign: what `MapMeasurer.benign` says about them.
  ///   - progress: called after each gradient step with the number of steps done, of `settings.totalSteps`.
  /// - Throws: `AttackError`, or the error of the runner.
  public func attack(_ batch: AttackBatch, benign: [Measurement], progress: (Int) throws -> Void) throws -> [AttackOutcome] {
    var best = try attack(batch, benign: benign, restart: 0, stepsBefore: 0, progress)
    var steps = settings.totalSteps - settings.restarts * settings.stepsOfRestart
    for restart in 1..<(1 + settings.restarts) {
      if best.allSatisfy(\.isSettled) || best.contains(where: \.outcome.wasCut) { break }
      let next = try attack(batch, benign: benign, restart: restart, stepsBefore: steps, progress)
      steps += settings.stepsOfRestart
      best = zip(best, next).map { $0.isSettled ? $0 : $0.better(of: $1, keepingMap: settings.method == .adv2) }
    }
    return best.map(\.outcome)
  }

  /// One run.
  private func attack(
    _ batch: AttackBatch, benign: [Measurement], restart: Int, stepsBefore: Int, _ progress: (Int) throws -> Void
  ) throws -> [RunResult] {
    var done = stepsBefore
    func advance() throws {
      done += 1
      try progress(done)
    }
    let maps = batch.mapTargets ?? benign.map(\.map)
    var run = AttackRun(
      self, runner, batch, maps: maps, observer: observer, restart: restart, stopsEarly: settings.stopsEarly)
    if restart == 0 { run.sweeps += measurer.benignSweeps }
    switch settings.method.keepsMap {
    case false:
      var descent = try run.descent(steps: settings.steps, checking: true, advance: advance)
      return batch.targets.indices.map { image in
        let settled = run.settled[image]
        return RunResult(
          AttackOutcome(
            label: benign[image].label, benign: benign[image], result: descent.last[image],
            passedCheck: descent.choice.best[image] != nil, others: descent.takeOthers(image, prefix: ""),
            sweeps: settled?.sweeps ?? run.sweeps, comparisonSweeps: SweepCounts(),
            wasCut: run.isCut && settled == nil),
          settled?.standing ?? run.standings[image], isSettled: settled != nil)
      }
    case true:
      let compares = settings.comparesWithPGD && restart == 0
      var comparison = AttackRun(
        self, runner, batch, maps: maps, observer: observer, restart: restart, stopsEarly: false)
      var descent = try comparison.descent(
        steps: compares ? settings.pgdSteps : settings.warm, checking: compares, snapshotAt: settings.warm,
        advance: advance)
      // The warm start is part of the attack; what PGD does beyond it is the comparison's.
      let warm = min(settings.warm, descent.steps)
      run.sweeps.forward += warm
      run.sweeps.backward += warm
      comparison.sweeps.forward -= warm
      comparison.sweeps.backward -= warm
      let second = try run.secondPhase(from: descent.snapshot, advance: advance)
      return batch.targets.indices.map { image in
        let chosen = second.choice.best[image]
        let settled = run.settled[image]
        let others = compares ? descent.takeOthers(image, prefix: "pgd.", withLast: true) : []
        return RunResult(
          AttackOutcome(
            label: benign[image].label, benign: benign[image], result: chosen ?? second.last[image],
            passedCheck: chosen != nil, others: [("last", second.last[image])] + others,
            sweeps: settled?.sweeps ?? run.sweeps, comparisonSweeps: comparison.sweeps,
            wasCut: run.isCut && settled == nil),
          second.choice.standings[image] ?? run.standings[image], isSettled: settled != nil)
      }
    }
  }
}

/// What one run yields for an image, and how good that is.
private struct RunResult {
  let outcome: AttackOutcome
  let standing: Standing
  let isSettled: Bool

  init(_ outcome: AttackOutcome, _ standing: Standing, isSettled: Bool) {
    self.outcome = outcome
    self.standing = standing
    self.isSettled = isSettled
  }

  /// The better of this and a later run, at the cost of both.
  func better(of other: RunResult, keepingMap: Bool) -> RunResult {
    let winner = other.standing.isBetter(than: standing, keepingMap: keepingMap) ? other : self
    let (first, result) = (outcome, winner.outcome)
    let comparison = first.others.filter { $0.name.hasPrefix("pgd.") }
    return RunResult(
      AttackOutcome(
        label: first.label, benign: first.benign, result: result.result, passedCheck: result.passedCheck,
        others: result.others.filter { !$0.name.hasPrefix("pgd.") } + comparison,
        sweeps: first.sweeps + other.outcome.sweeps,
        comparisonSweeps: first.comparisonSweeps, wasCut: other.outcome.wasCut),
      winner.standing, isSettled: other.isSettled)
  }
}
