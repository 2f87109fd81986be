/// From which value on a place of a map counts as marked.
public enum MarkThreshold: Sendable, Equatable {
  case value(Double)
  /// The mean of each map: for maps of gradients, which have few large values.
  case mean

  func isMarked(_ map: [Float]) -> [Bool] {
    let bound: Double
    switch self {
    case .value(let value): bound = value
    case .mean: bound = map.reduce(0) { $0 + Double($1) } / Double(max(map.count, 1))
    }
    return map.map { Double($0) > bound }
  }
}

extension MapMetrics {
  /// |O ∩ O'| / |O ∪ O'| of the marked places of two maps of one size; 1 where neither marks any (section 4.3 of the paper).
  public static func intersectionOverUnion(_ a: [Float], _ b: [Float], _ threshold: MarkThreshold) -> Double {
    var both = 0
    var either = 0
    for (a, b) in zip(threshold.isMarked(a), threshold.isMarked(b)) {
      if a && b { both += 1 }
      if a || b { either += 1 }
    }
    return either == 0 ? 1 : Double(both) / Double(either)
  }

  /// Thresholds at which overlap is also reported: 0.1, 0.2 ... 0.9.
  public static let sweepThresholds = (1...9).map { Double($0) / 10 }

  /// The overlap at each of `sweepThresholds`.
  public static func overlapSweep(_ a: [Float], _ b: [Float]) -> [Double] {
    sweepThresholds.map { intersectionOverUnion(a, b, .value($0)) }
  }

  /// The probability that a place inside of a region has a larger value than one outside, ties counting one half: the area
  /// under the receiver operating characteristic (Mann and Whitney 1947).
  /// - Parameter inside: of each place.
  /// - Returns: nil where nothing lies inside, or nothing outside. Cost: one sort.
  public static func areaUnderCurve(_ map: [Float], inside: [Bool]) -> Double? {
    let insideCount = inside.count(where: \.self)
    let outsideCount = inside.count - insideCount
    guard insideCount > 0, outsideCount > 0 else { return nil }
    let rankSum: Double = zip(centredRanks(map), inside).reduce(0) { $1.1 ? $0 + $1.0 : $0 }
    // Centred ranks lack their mean, (n − 1) / 2 counted from 0.
    let fromZero = rankSum + Double(insideCount) * Double(map.count - 1) / 2
    let smallest = Double(insideCount) * Double(insideCount - 1) / 2
    return (fromZero - smallest) / (Double(insideCount) * Double(outsideCount))
  }
}
