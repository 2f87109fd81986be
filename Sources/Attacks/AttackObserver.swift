/// What watches an attack from outside, between two steps.
public struct AttackObserver {
  /// Whether time is over: the attack ends with what it has.
  public var isOver: () -> Bool
  /// Called before each step with every image of the batch, and once more after a phase; against MASK after each step, and
  /// at the checks. What it takes beyond the attack itself, a map for each image or with MASK a probability, no sweep counts.
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
  /// The program whose loss this is, such as "pgdStep" or "step", or "flowMarginStep" in the first phase of a flow against
  /// MASK alone; "check" where a mask has been computed anew from an image on the 8-bit lattice.
  public let phase: String
  /// Steps of the phase that led to the iterate.
  public let step: Int
  /// What the step goes against: the cross entropy (of smoothed labels, where these are taken), and its sum with the
  /// weighted map loss and the flow's; against MASK by changes of pixels `mapLoss` of the lookahead alone, by a flow the sum
  /// with the clamped margin in place of the cross entropy, which is nil then. Nil after the last step, which no
  /// other follows.
  public let crossEntropy: Double?
  public let loss: Double?
  /// Of the class in the loss.
  public let probability: Double
  /// Mean absolute difference between that class's map and the one that the attack goes for; where that is MASK's, and no
  /// check, of the mask that the attack follows. Nil where there is none yet.
  public let mapDistance: Double?
}

extension TracePoint {
  /// One for each image of a batch.
  /// - Parameter losses: nil where no step follows.
  static func all(
    _ measurements: [Measurement], restart: Int = 0, phase: String, step: Int,
    losses: [(crossEntropy: Double, sum: Double)]? = nil
  ) -> [TracePoint] {
    measurements.enumerated().map { image, measurement in
      TracePoint(
        image: image, restart: restart, phase: phase, step: step, crossEntropy: losses?[image].crossEntropy,
        loss: losses?[image].sum, probability: measurement.targetProbability, mapDistance: measurement.l1)
    }
  }
}
