/// The offsets at which MASK cuts its windows out of a resized image, one for each iteration: a seed and the number of the
/// stream decide them, so that one sequence serves all images.
public struct JitterSequence: Sendable, Equatable {
  /// The sequence of target maps and of judging.
  public static let recorded = 0
  /// Sequences that no attack has seen.
  public static let unseen = [1, 2, 3]
  /// What the steps of an attack draw.
  public static let attacking = 4

  /// Offsets lie in 0 ..< margin; a margin of zero has the offset zero alone.
  public let margin: Int
  private let source: Source

  private enum Source: Equatable {
    case drawn(seed: UInt64, stream: UInt64)
    case middle
  }

  public init(margin: Int, seed: UInt64, stream: Int = recorded) {
    self.margin = margin
    source = .drawn(seed: seed, stream: UInt64(stream))
  }

  private init(margin: Int, _ source: Source) {
    self.margin = margin
    self.source = source
  }

  /// No jitter: the window in the middle, always.
  public static func still(margin: Int) -> JitterSequence { JitterSequence(margin: margin, .middle) }

  /// Rows above and columns left of the window of an iteration.
  public func offset(_ iteration: Int) -> (row: Int, column: Int) {
    guard margin > 0 else { return (0, 0) }
    switch source {
    case .middle: return (margin / 2, margin / 2)
    case .drawn(let seed, let stream):
      let random = KeyedRandom(seed: seed)
      func draw(_ number: Int) -> Int { min(Int(random.unit(image: stream, draw: number) * Double(margin)), margin - 1) }
      return (draw(2 * iteration), draw(2 * iteration + 1))
    }
  }
}
