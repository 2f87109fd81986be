import Attacks
import Interpreters

/// What one iteration of ADV² against MASK costs at most, resets being spread over the iterations between them. One whose
/// target is sure and endures the largest step saves the step down the margin and the halvings.
enum MaskIteration {
  /// - Parameters:
  ///   - rows: nil unless all programs of the attack are among them.
  ///   - iterations: steps in which a mask is computed anew.
  static func cost(_ rows: [Benchmark.Row], batch: Int, iterations: Int) -> IterationCost? {
    guard let forward = rows.milliseconds(.scores, batch: batch), let views = rows.milliseconds(.maskViews, batch: batch),
      let step = rows.milliseconds(.maskStep, batch: batch), let move = rows.milliseconds(.marginStep, batch: batch),
      let ahead = rows.milliseconds(.lookahead, batch: batch), let search = rows.milliseconds(.marginSearch, batch: batch)
    else { return nil }
    let schedule = MaskSchedule()
    let moves = move + views + stepsOfMask(schedule, iterationsOfMap: iterations) * step
    let looks = ahead + trials(schedule) * search
    return IterationCost(
      "mask", batch: batch, sweeps(schedule, iterationsOfMap: iterations),
      milliseconds: moves + looks + schedule.resetsPerIteration * (forward + views), forward: forward)
  }

  /// Steps of the mask itself, beside those that are looked ahead.
  private static func stepsOfMask(_ schedule: MaskSchedule, iterationsOfMap: Int) -> Double {
    Double(schedule.followerSteps) + schedule.resetsPerIteration * Double(iterationsOfMap)
  }

  /// Sweeps that look for the largest step.
  private static func trials(_ schedule: MaskSchedule) -> Double { Double(1 + schedule.halvings) }

  /// - Parameters:
  ///   - iterationsOfMap: steps in which a mask is computed anew.
  ///   - evaded: squeezers that are evaded.
  static func sweeps(_ schedule: MaskSchedule, iterationsOfMap: Int, evaded: Int = 0) -> StepSweeps {
    let ahead = Double(schedule.lookaheadSteps)
    let views = Double(1 + evaded)
    let backward = views + stepsOfMask(schedule, iterationsOfMap: iterationsOfMap) + ahead
    return StepSweeps(
      forward: backward + (ahead > 0 ? views * trials(schedule) : 0) + schedule.resetsPerIteration, backward: backward,
      secondOrder: ahead)
  }
}
