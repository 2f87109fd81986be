/// How a map differs from another, mostly the benign one.
public struct MapComparison: Sendable, Codable, Equatable {
  public let l1: Double
  public let l2: Double
  /// Nil where a map is constant.
  public let spearman: Double?
  /// Nil where a map is constant.
  public let topOverlap: Double?
  /// Nil where a map is zero everywhere.
  public let cosine: Double?
  /// |O ∩ O'| / |O ∪ O'| of the marked places, and the same at the thresholds 0.1 ... 0.9.
  public let iou: Double?
  public let iouSweep: [Double]?

  /// - Precondition: both maps are of one size.
  public init(_ map: [Float], benign: [Float], threshold: MarkThreshold = .value(0.5)) {
    precondition(map.count == benign.count)
    l1 = MapMetrics.l1(benign, map)
    l2 = MapMetrics.l2(benign, map)
    spearman = MapMetrics.spearman(benign, map)
    topOverlap = MapMetrics.topOverlap(benign, map)
    cosine = MapMetrics.cosine(benign, map)
    iou = MapMetrics.intersectionOverUnion(benign, map, threshold)
    iouSweep = MapMetrics.overlapSweep(benign, map)
  }
}
