/// Distances of two normalised maps.
public enum MapMetrics {
  /// mean |a − b|
  public static func l1(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
    zip(a, b).reduce(0) { $0 + Double(abs($1.0 - $1.1)) } / Double(max(a.count, 1))
  }

  /// √ mean (a − b)²
  public static func l2(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
    let sum: Double = zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    return (sum / Double(max(a.count, 1))).squareRoot()
  }
}

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
    let n = Double(total), p = value
    let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, centre - half)...min(1, centre + half)
  }
}

/// What a classifier and an interpreter say about one image of an attack.
public struct Measurement: Sendable, Equatable {
  public let label: Int
  public let targetProbability: Double
  public let probabilities: [Float]
  /// Of the class the measurement was made for.
  public let map: [Float]
  /// Minimum of the raw map, and its maximum minus its minimum.
  public let rawRange: (low: Float, extent: Float)
  /// Distance of the map to the benign one.
  public let l1: Double
  public let l2: Double

  public static func == (a: Measurement, b: Measurement) -> Bool {
    a.probabilities == b.probabilities && a.map == b.map && a.rawRange == b.rawRange && a.l1 == b.l1 && a.l2 == b.l2
  }

  /// Joint success: the label is the target with some confidence, and the map is close to the benign one.
  public func succeeds(target: Int, confidence: Double = 0.9, mapDistance: Double = 0.06) -> Bool {
    label == target && targetProbability >= confidence && l1 <= mapDistance
  }
}
