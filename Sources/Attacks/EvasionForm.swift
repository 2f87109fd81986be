/// How an attack is kept from being told by squeezers.
///
/// p is the prediction, ψ a squeezer, and x₊ what the attack finds in squeezed space.
public enum EvasionForm: String, Sendable, Codable, CaseIterable {
  /// Cross entropy −Σ_k p_k(x) log p_k(ψ(x)) for every squeezer, rounding with the derivative of the identity.
  case direct
  /// Algorithm 2 of the paper: ‖p(x) − p(x₊)‖₁ for fewer bits, that cross entropy for what smooths.
  case paper
  /// Both for fewer bits, that cross entropy for what smooths.
  case both
  /// The published code: weight · max(‖p(x) − q‖₁ − 3/4 · threshold, 0) with q = p(x₊) for fewer bits and q = p(ψ(x)) for
  /// what smooths.
  case code

  /// The form that a mode has.
  public init(mode: AttackMode) {
    switch mode {
    case .default: self = .direct
    case .paper: self = .paper
    case .code: self = .code
    }
  }

  /// Whether the attack searches squeezed space for this squeezer.
  public func searches(for squeezer: Squeezer) -> Bool {
    guard case .bits = squeezer else { return false }
    return self != .direct
  }

  /// Whether a step runs the network on the squeezed image too.
  public func runsNetwork(on squeezer: Squeezer) -> Bool {
    guard case .bits = squeezer else { return true }
    return self == .direct || self == .both
  }

  /// The weight of a squeezer's term in the published code's attack on CAM; it has none against non-local means, which take
  /// the sum of those of the medians.
  static func publishedWeight(of squeezer: Squeezer) -> Double {
    switch squeezer {
    case .bits: 40
    case .median(let size): size == 2 ? 9 : 3
    case .nonLocalMeans: 12
    }
  }

  /// The thresholds of ResNet-50 in the published code.
  public static let publishedThresholds = SqueezeThresholds(
    [.bits(3), .median(2), .median(3)], [1.592_477_8, 0.969_559_55, 1.324_471_4])

  /// Where the published code's terms begin, in parts of the threshold.
  public static let hingeShare = 0.75
}
