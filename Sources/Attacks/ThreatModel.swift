import IR
import Operators
import TensorTypes

/// What an attacker may change: an image by at most `eps` in a norm, within [0, 1], in steps of `alpha`.
///
/// Both are in units of pixels in [0, 1], before any preprocessing.
public struct ThreatModel: Sendable, Equatable {
  public enum Norm: String, Sendable, CaseIterable, Codable {
    /// Every value for itself; a step goes by `alpha` along the sign of the gradient.
    case linf
    /// The root of the sum of squares over all values of an image; a step goes by `alpha` along the gradient.
    case l2
  }

  public var norm: Norm
  public var eps: Double
  public var alpha: Double

  public init(norm: Norm = .linf, eps: Double = 0.031, alpha: Double = 1.0 / 255) {
    self.norm = norm
    self.eps = eps
    self.alpha = alpha
  }

  /// Under `linf` the largest whole number of 8-bit levels that stays within eps exactly: 7 for 0.031, 8 for 8/255.
  public var levels: Int {
    var levels = Int((255 * eps).rounded())
    while levels > 0, Double(levels) / 255 > eps { levels -= 1 }
    return min(levels, 255)
  }

  /// The 8-bit image closest to `x` of those within `eps` of the original exactly; under `l2` nearly the closest.
  public func quantised(_ x: [Float], origin: [UInt8]) -> [UInt8] {
    if norm == .l2 { return quantisedInBall(x, origin: origin) }
    let levels = levels
    return zip(x, origin).map { x, origin in
      let nearest = Int((x * 255).rounded())
      let low = max(Int(origin) - levels, 0)
      let high = min(Int(origin) + levels, 255)
      return UInt8(min(max(nearest, low), high))
    }
  }

  /// Rounds every difference to the nearest level; while their sum of squares exceeds the budget, those that rounding made
  /// longer lose a level, the one that rounding moved furthest first.
  private func quantisedInBall(_ x: [Float], origin: [UInt8]) -> [UInt8] {
    let budget: Double = (255 * eps) * (255 * eps)
    let exact = zip(x, origin).map { x, origin in Double(x) * 255 - Double(origin) }
    var levels = zip(exact, origin).map { difference, origin in
      min(max(Int(origin) + Int(difference.rounded()), 0), 255) - Int(origin)
    }
    var sum = levels.reduce(0) { $0 + $1 * $1 }
    func excess(_ index: Int) -> Double { abs(Double(levels[index])) - abs(exact[index]) }
    if Double(sum) > budget {
      let changed = levels.indices.filter { levels[$0] != 0 }
      for index in changed.sorted(by: { (excess($1), $0) < (excess($0), $1) }) where Double(sum) > budget {
        sum -= 2 * abs(levels[index]) - 1
        levels[index] -= levels[index].signum()
      }
    }
    return zip(levels, origin).map { UInt8(Int($1) + $0) }
  }

  /// The image after uniform noise of at most `eps`, on the 8-bit lattice as every judged image: what the budget does to a
  /// map without an attack. Seed and image decide it.
  public func withNoise(_ origin: [UInt8], seed: UInt64) -> [UInt8] {
    quantised(perturbed(origin, seed: seed, firstDraw: KeyedRandom.firstDrawOfNoise), origin: origin)
  }

  /// Where an attack may start instead of at the image itself: seed, image and restart decide it.
  func randomStart(_ origin: [UInt8], seed: UInt64, restart: Int) -> [Float] {
    perturbed(origin, seed: seed, firstDraw: KeyedRandom.firstDrawOfStarts + restart << 32)
  }

  /// Under `linf` every value moves by U(−eps, eps); under `l2` the same direction has the length `eps`. Then clipped to
  /// [0, 1].
  private func perturbed(_ origin: [UInt8], seed: UInt64, firstDraw: Int) -> [Float] {
    let random = KeyedRandom(seed: seed)
    let key = KeyedRandom.key(origin)
    let direction = origin.indices.map { 2 * random.unit(image: key, draw: firstDraw + $0) - 1 }
    let length: Double = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let scale: Double = norm == .linf ? eps : length > 0 ? eps / length : 0
    return zip(pixels(origin), direction).map { x, offset in min(max(x + Float(scale * offset), 0), 1) }
  }
}

/// 8-bit levels as pixels in [0, 1].
public func pixels(_ levels: [UInt8]) -> [Float] { levels.map { Float($0) / 255 } }
