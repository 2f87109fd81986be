/// The numbers of the attack on MASK (algorithm 1 of the paper with its optimisations), beside those of `AttackSchedule`.
///
/// Step sizes are L2 norms for 3 × 224 × 224 values; for others they are scaled with the root of the number of values.
public struct MaskSchedule: Sendable, Equatable {
  /// How far x moves along the gradient of the margin in each iteration.
  public var predictionStep = 0.05
  /// Steps of the mask between that and the lookahead.
  public var followerSteps = 1
  /// What share of MASK's learning rate the steps of the followed mask have.
  public var rateShare = 1.0
  /// Steps of the mask that are looked ahead; with none the map has no say in where x moves.
  public var lookaheadSteps = MaskPrograms.lookaheadSteps
  /// In how many iterations the mask is computed anew once; 0 for never.
  public var resetInterval = 25
  /// Whether the mask is computed anew ahead of an iteration, counted from 0.
  func resets(at iteration: Int) -> Bool { resetInterval > 0 && iteration % resetInterval == resetInterval - 1 }
  public var resetsPerIteration: Double { resetInterval > 0 ? 1 / Double(resetInterval) : 0 }
  /// What a reset leaves of the two moments, and what it sets the counter of their corrections to.
  public var keptMean: Float = 0.5
  public var keptSquares: Float = 0.25
  public var counterAfterReset = 100
  /// The largest step against the map's distance.
  public var largestStep = 0.6
  /// The largest step in the last tenth of the iterations; nil where it shrinks from the first iteration to none after the
  /// last, evenly, or with the square where MASK is one of several interpreters, whose maps such a step moves too.
  public var lateLargestStep: Double?
  /// What the direction against the map's distance keeps of the one before: offsets of single iterations then matter less.
  public var momentum: Float = 0.7
  /// Halvings in the search for the largest step that the label endures, where it does not endure the largest; with none
  /// every step is the largest. Nil for `sharedHalvings` where MASK is one of several interpreters or squeezers are evaded,
  /// and none elsewhere.
  public var halvings: Int?
  public var sharedHalvings = 5
  /// The probability of the target (κ of the paper) that such a step must leave.
  public var requiredProbability = 0.95
  /// What part of that probability an evaded squeezer must leave, so that the predictions of both differ by less than
  /// detectors of real classifiers tell.
  public var squeezedShare = 0.75
  /// Of an attack on several interpreters the part of the steps, one in so many, that is against MASK too.
  public var jointShare = 3
  /// How far a step against the other interpreters goes there at first, in each value; it shrinks evenly to none.
  public var jointStep = 0.25 / 255
  /// Whether the steps that were looked ahead are taken back from the mask.
  public var takesLookaheadBack = false

  /// The numbers of a mode; the paper's late largest step is its only one.
  /// - Parameter isFlow: whether pixels are moved.
  public init(mode: AttackMode = .default, isFlow: Bool = false) {
    guard mode != .default else { return }
    if isFlow { rateShare = 0.1 }
    followerSteps = 4
    resetInterval = 50
    largestStep = 0.08
    lateLargestStep = mode == .paper ? 0.08 : 0.04
    halvings = mode == .paper ? 12 : 10
    momentum = 0
    takesLookaheadBack = mode == .paper
  }

  /// The largest step of an iteration, counted from 0.
  /// - Parameter isJoint: whether MASK is one of several interpreters.
  public func largestStep(at iteration: Int, of iterations: Int, isJoint: Bool = false) -> Double {
    if let lateLargestStep { return 10 * iteration >= 9 * iterations ? lateLargestStep : largestStep }
    let left = Double(iterations - iteration) / Double(iterations)
    return largestStep * left * (isJoint ? left : 1)
  }

  /// - Parameter isShared: whether MASK is one of several interpreters or squeezers are evaded.
  public func halvings(isShared: Bool) -> Int { halvings ?? (isShared ? sharedHalvings : 0) }

  /// Numbers with where they come from: of the mode if they differ from the default.
  /// - Parameters:
  ///   - isShared: as of `halvings`.
  ///   - isFlow: whether pixels are moved, by steps of another kind.
  public func configuration(mode: AttackMode, isShared: Bool, isFlow: Bool)
    -> [(name: String, value: String, source: String)]
  {
    func words(_ schedule: MaskSchedule) -> [(String, String)] {
      let following = [
        ("followerSteps", "\(schedule.followerSteps)"), ("followerRate", "\(schedule.rateShare) of the mask's"),
        ("afterLookahead", schedule.takesLookaheadBack ? "mask taken back" : "mask kept"),
        ("reset-interval", "\(schedule.resetInterval)"),
      ]
      let largest = schedule.lateLargestStep.map { "\($0)" } ?? "evenly less, of several interpreters with the square"
      return isFlow
        ? following
        : [("predictionStep", "\(schedule.predictionStep)")] + following + [
          ("largestStep", "\(schedule.largestStep), then \(largest)"), ("momentum", "\(schedule.momentum)"),
          ("halvings", "\(schedule.halvings(isShared: isShared))"),
          ("requiredProbability", "\(schedule.requiredProbability), \(schedule.squeezedShare) of it where squeezed"),
        ]
    }
    let standard = words(MaskSchedule(isFlow: isFlow))
    let moded = words(MaskSchedule(mode: mode, isFlow: isFlow))
    return words(self).enumerated().map { index, line in
      let source =
        line.1 != moded[index].1 ? "option" : line.1 != standard[index].1 ? mode.rawValue : AttackMode.default.rawValue
      return (line.0, line.1, source)
    }
  }
}
