/// How a map differs from the benign one.
public struct MapComparison: Sendable, Codable, Equatable {
  public let l1: Double
  public let l2: Double
  /// Nil where a map is constant.
  public let spearman: Double?
  /// Nil where a map is constant.
  public let topOverlap: Double?
  /// Nil where a map is zero everywhere.
  public let cosine: Double?

  /// - Precondition: both maps are of one size.
  public init(_ map: [Float], benign: [Float]) {
    precondition(map.count == benign.count)
    l1 = MapMetrics.l1(benign, map)
    l2 = MapMetrics.l2(benign, map)
    spearman = MapMetrics.spearman(benign, map)
    topOverlap = MapMetrics.topOverlap(benign, map)
    cosine = MapMetrics.cosine(benign, map)
  }
}
