/// A share with its 95 % Wilson score interval (Wilson 1927).
public struct Share: Sendable, Equatable {
  public let count: Int
  public let total: Int

  public init(_ count: Int, of total: Int) {
    self.count = count
    self.total = total
  }

  public var value: Double { total == 0 ? 0 : Double(count) / Double(total) }

  public var interval: ClosedRange<Double> {
    guard total > 0 else { return 0...1 }
    let z = 1.959963984540054
    let n = Double(total)
    let p = value
    let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, centre - half)...min(1, centre + half)
  }
}
