import Attacks

/// How many of the images whose label is the target a threshold of a detector tells, as the paper counts them.
public struct DetectionRate: Sendable {
  /// Of the threshold: a squeezer's, "joint", or "maps".
  public let name: String
  public let share: Share

  /// Of each threshold; empty where no detector was asked.
  static func rates(of judgements: [AttackRecord.Judgement]) -> [DetectionRate] {
    let successes = judgements.filter(\.success)
    return (judgements.lazy.compactMap(\.detection).first ?? []).enumerated().map { index, first in
      DetectionRate(
        name: first.name, share: Share(successes.count { $0.detection?[index].isDetected == true }, of: successes.count))
    }
  }
}
