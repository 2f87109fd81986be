/// Distances and likenesses of two maps of one size.
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

  /// a · b / (|a| |b|); nil where a map is zero everywhere.
  public static func cosine(_ a: [Float], _ b: [Float]) -> Double? { cosine(a.map(Double.init), b.map(Double.init)) }

  /// The correlation of ranks, equal elements sharing the mean of theirs (Spearman 1904); nil where a map is constant, which
  /// has no ranks. Cost: two sorts.
  public static func spearman(_ a: [Float], _ b: [Float]) -> Double? { cosine(centredRanks(a), centredRanks(b)) }

  /// The share of the strongest 10 % of places, at least one, that both maps have in common; the first of equal places is
  /// the stronger. Nil where a map is constant, which has no strongest places.
  public static func topOverlap(_ a: [Float], _ b: [Float]) -> Double? {
    guard !isConstant(a), !isConstant(b) else { return nil }
    let count = max((a.count + 5) / 10, 1)
    func strongest(_ map: [Float]) -> Set<Int> {
      Set(map.indices.sorted { (map[$1], $0) < (map[$0], $1) }.prefix(count))
    }
    return Double(strongest(a).intersection(strongest(b)).count) / Double(count)
  }

  static func isConstant(_ map: [Float]) -> Bool { map.allSatisfy { $0 == map[0] } }

  private static func cosine(_ a: [Double], _ b: [Double]) -> Double? {
    func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let squares: Double = product(a, a) * product(b, b)
    return squares > 0 ? product(a, b) / squares.squareRoot() : nil
  }

  /// The rank of each element minus the mean of all ranks, exact.
  static func centredRanks(_ map: [Float]) -> [Double] {
    let order = map.indices.sorted { map[$0] < map[$1] }
    var ranks = [Double](repeating: 0, count: map.count)
    var first = 0
    while first < order.count {
      let end = order[first...].firstIndex { map[$0] != map[order[first]] } ?? order.count
      for position in first..<end { ranks[order[position]] = Double(first + end - order.count) / 2 }
      first = end
    }
    return ranks
  }
}
