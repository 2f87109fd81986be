import Attacks
import Interpreters

/// What one iteration of ADV² against MASK costs at most, resets being spread over the iterations between them. One whose
/// target endures the largest step saves the halvings, and flows have no such search.
enum MaskIteration {
  /// - Parameters:
  ///   - rows: nil unless all programs of the attack are among them.
  ///   - iterations: steps in which a mask is computed anew.
  static func cost(_ rows: [Benchmark.Row], batch: Int, iterations: Int) -> IterationCost? {
    guard let forward = rows.milliseconds(.scores, batch: batch), let views = rows.milliseconds(.maskViews, batch: batch),
      let step = rows.milliseconds(.maskStep, batch: batch), let move = rows.milliseconds(.marginStep, batch: batch),
      let ahead = rows.milliseconds(.lookahead, batch: batch), let search = rows.milliseconds(.marginSearch, batch: batch)
    else { return nil }
    let settings = AttackSettings(method: .adv2, schedule: AttackSchedule(interpreter: "mask"))
    let schedule = settings.mask
    let moves = move + views + stepsOfMask(schedule, iterationsOfMap: iterations) * step
    let looks = ahead + trials(settings) * search
    return IterationCost(
      "mask", batch: batch, sweeps(settings, iterationsOfMap: iterations),
      milliseconds: moves + looks + schedule.resetsPerIteration * (forward + views), forward: forward)
  }

  /// Steps of the mask itself, beside those that are looked ahead.
  private static func stepsOfMask(_ schedule: MaskSchedule, iterationsOfMap: Int) -> Double {
    Double(schedule.followerSteps) + schedule.resetsPerIteration * Double(iterationsOfMap)
  }

  /// Sweeps that look for the largest step.
  private static func trials(_ settings: AttackSettings) -> Double {
    Double(1 + settings.mask.halvings(isShared: settings.sharesMaskSteps))
  }

  /// - Parameters:
  ///   - iterationsOfMap: steps in which a mask is computed anew.
  ///   - evaded: squeezers on which the network runs in each iteration.
  static func sweeps(_ settings: AttackSettings, iterationsOfMap: Int, evaded: Int = 0) -> StepSweeps {
    let schedule = settings.mask
    let ahead = Double(schedule.lookaheadSteps)
    let views = Double(1 + evaded)
    let backward = views + stepsOfMask(schedule, iterationsOfMap: iterationsOfMap) + ahead
    let search = ahead > 0 && !settings.method.isFlow ? views * trials(settings) : 0
    return StepSweeps(forward: backward + search + schedule.resetsPerIteration, backward: backward, secondOrder: ahead)
  }
}
