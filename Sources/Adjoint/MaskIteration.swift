import Attacks
import Interpreters

/// What one iteration of ADV² against MASK costs at most, resets being spread over the iterations between them. One whose
/// target is sure and endures the largest step saves the step down the margin and the halvings.
public struct MaskIteration: Sendable, Encodable {
  public let batch: Int
  /// Sweeps of the network for each image.
  public let forwardSweeps: Double
  public let backwardSweeps: Double
  /// Products of second order, of two sweeps each.
  public let secondOrderSweeps: Double
  /// At the median of each program.
  public let milliseconds: Double
  /// The same over the time of one forward pass.
  public let forwardTimes: Double

  /// Sweeps of any kind: what the published count of an iteration is in.
  public var sweeps: Double { forwardSweeps + backwardSweeps + 2 * secondOrderSweeps }

  /// - Parameter rows: of one batch size; nil unless all programs of the attack are among them.
  init?(_ rows: [Benchmark.Row], batch: Int, iterations: Int) {
    func milliseconds(_ graph: DerivedGraph) -> Double? {
      rows.first { $0.of == graph.rawValue && $0.batch == batch }?.medianMilliseconds
    }
    guard let forward = milliseconds(.scores), let views = milliseconds(.maskViews), let step = milliseconds(.maskStep),
      let move = milliseconds(.marginStep), let ahead = milliseconds(.lookahead), let search = milliseconds(.marginSearch)
    else { return nil }
    let schedule = MaskSchedule()
    let reset = schedule.resetsPerIteration
    let steps = Self.stepsOfMask(schedule, iterationsOfMap: iterations)
    let sweeps = Self.sweeps(schedule, iterationsOfMap: iterations)
    let trials = Self.trials(schedule)
    self.batch = batch
    (forwardSweeps, backwardSweeps, secondOrderSweeps) = (sweeps.forward, sweeps.backward, sweeps.secondOrder)
    self.milliseconds =
      move + views + steps * step + ahead + trials * search + reset * (forward + views)
    forwardTimes = self.milliseconds / forward
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

  public var text: String {
    "an iteration against mask, batch \(batch): \(fixed(sweeps, 1)) sweeps (\(fixed(forwardSweeps, 1)) forward, "
      + "\(fixed(backwardSweeps, 1)) backward, \(fixed(secondOrderSweeps, 0)) of second order, which are two each), "
      + "\(fixed(milliseconds, 0)) ms, the time of \(fixed(forwardTimes, 0)) forward passes"
  }
}
