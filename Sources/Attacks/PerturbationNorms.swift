/// How far an image is from the one that it was made of; values are pixels in [0, 1].
public struct PerturbationNorms: Sendable, Codable, Equatable {
  /// The share of values that differ.
  public let l0: Double
  /// The sum of absolute differences.
  public let l1: Double
  public let l2: Double
  public let linf: Double

  /// - Precondition: both images are of one size.
  public init(_ x: [Float], origin: [Float]) {
    precondition(x.count == origin.count)
    var changed = 0
    var sum = 0.0
    var squares = 0.0
    var largest = 0.0
    for (x, origin) in zip(x, origin) where x != origin {
      let difference = abs(Double(x) - Double(origin))
      changed += 1
      sum += difference
      squares += difference * difference
      largest = max(largest, difference)
    }
    l0 = Double(changed) / Double(max(x.count, 1))
    l1 = sum
    l2 = squares.squareRoot()
    linf = largest
  }
}
