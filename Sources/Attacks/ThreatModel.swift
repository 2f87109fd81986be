import IR
import Operators
import TensorTypes

/// What an attacker may change: every value of an image by at most `eps`, within [0, 1], in steps of `alpha`.
///
/// Both are in units of pixels in [0, 1], before any preprocessing.
public struct ThreatModel: Sendable, Equatable {
  public var eps: Double
  public var alpha: Double

  public init(eps: Double = 0.031, alpha: Double = 1.0 / 255) {
    self.eps = eps
    self.alpha = alpha
  }

  /// The largest whole number of 8-bit levels that stays within eps exactly: 7 for 0.031, 8 for 8/255.
  public var levels: Int {
    var levels = Int((255 * eps).rounded())
    while levels > 0, Double(levels) / 255 > eps { levels -= 1 }
    return min(levels, 255)
  }

  /// The 8-bit image closest to `x` of those within `levels` of the original.
  public func quantised(_ x: [Float], origin: [UInt8]) -> [UInt8] {
    let levels = levels
    return zip(x, origin).map { x, origin in
      let nearest = Int((x * 255).rounded())
      let low = max(Int(origin) - levels, 0), high = min(Int(origin) + levels, 255)
      return UInt8(min(max(nearest, low), high))
    }
  }

  /// The image after uniform noise of at most `eps`, on the 8-bit lattice as every judged image: what the budget does to a
  /// map without an attack. Seed and image decide it.
  public func withNoise(_ origin: [UInt8], seed: UInt64) -> [UInt8] {
    let random = KeyedRandom(seed: seed)
    let key = KeyedRandom.key(origin)
    let noisy = pixels(origin).enumerated().map { index, x in
      let unit: Double = random.unit(image: key, draw: KeyedRandom.firstDrawOfNoise + index)
      return x + Float(eps * (2 * unit - 1))
    }
    return quantised(noisy, origin: origin)
  }
}

/// 8-bit levels as pixels in [0, 1].
public func pixels(_ levels: [UInt8]) -> [Float] { levels.map { Float($0) / 255 } }

extension GraphBuilder {
  /// x ← clip(x − alpha · sign(gradient), origin ± eps), then clip to [0, 1] (equation 1 of the paper); sign(0) = 0.
  func signStep(_ x: Value, gradient: Value, origin: Value, alpha: Value, eps: Value) throws(TypeError) -> Value {
    let moved = try subtract(x, try multiply(try elementwise(.sign, gradient), alpha))
    // The ball and [0, 1] meet in a box, since the origin lies in both.
    let low = try elementwise(.maximum, try subtract(origin, eps), scalar(0, like: x))
    let high = try elementwise(.minimum, try add(origin, eps), scalar(1, like: x))
    return try elementwise(.clip, moved, low, high)
  }
}
