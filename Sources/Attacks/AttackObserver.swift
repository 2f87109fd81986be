/// What watches an attack from outside, between two steps.
public struct AttackObserver {
  /// Whether time is over: the attack ends with what it has.
  public var isOver: () -> Bool
  /// Called before each step with every image of the batch, and once more after a phase; measuring them costs a map each,
  /// which no sweep counts.
  public var trace: (([TracePoint]) throws -> Void)?

  public init(
    isOver: @escaping () -> Bool = { false }, trace: (([TracePoint]) throws -> Void)? = nil
  ) {
    self.isOver = isOver
    self.trace = trace
  }
}

/// One iterate of one image on its way.
public struct TracePoint: Sendable {
  /// The image's position in its batch.
  public let image: Int
  /// 0 for the first run.
  public let restart: Int
  /// "pgdStep" or "step": the program whose loss this is.
  public let phase: String
  /// Steps of the phase that led to the iterate.
  public let step: Int
  /// What the step goes against: the cross entropy (of smoothed labels, where these are taken), and its sum with the
  /// weighted map loss. Nil after the last step, which no other follows.
  public let crossEntropy: Double?
  public let loss: Double?
  /// Of the class in the loss.
  public let probability: Double
  /// Mean absolute difference between that class's map and the one that the attack goes for.
  public let mapDistance: Double
}
