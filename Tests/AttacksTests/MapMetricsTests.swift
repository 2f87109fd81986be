import Attacks
import Testing

@Suite struct MapMetricsTests {
  @Test func `distances are means over the map`() {
    let a: [Float] = [0, 1, 0.5, 0], b: [Float] = [0, 0, 0.5, 1]
    #expect(MapMetrics.l1(a, b) == 0.5)
    #expect(abs(MapMetrics.l2(a, b) - 0.5.squareRoot()) < 1e-12)
  }

  private static let maps: [[Float]] = [
    [0.3, 0.1, 0.9, 0.2, 0.5], [1, 0, 0, 1, 1, 0.5, 0.5], [0, 1], (0..<37).map { Float($0 * 17 % 23) / 22 },
  ]

  @Test(arguments: MapMetricsTests.maps)
  func `a map is entirely like itself, and ranks see no monotone change`(map: [Float]) throws {
    let grown = map.map { $0 * $0 * $0 + 2 * $0 }
    for other in [map, grown] {
      #expect(MapMetrics.spearman(map, other) == 1)
      #expect(MapMetrics.topOverlap(map, other) == 1)
    }
    #expect(MapMetrics.spearman(map, map.map { -$0 }) == -1)
    #expect(abs(try #require(MapMetrics.cosine(map, map)) - 1) < 1e-15)
    #expect(abs(try #require(MapMetrics.cosine(map, map.map { 3 * $0 })) - 1) < 1e-6)
  }

  @Test(arguments: MapMetricsTests.maps)
  func `likenesses do not depend on which map is first`(a: [Float]) {
    let b = a.indices.map { Float($0 * $0 % 5) }
    #expect(MapMetrics.spearman(a, b) == MapMetrics.spearman(b, a))
    #expect(MapMetrics.topOverlap(a, b) == MapMetrics.topOverlap(b, a))
    #expect(MapMetrics.cosine(a, b) == MapMetrics.cosine(b, a))
  }

  @Test func `ranks correlate as in the textbook`() throws {
    // 1 − 6 Σ d² / (n (n² − 1)) with d = (1, −1, 1, −1, 0).
    #expect(MapMetrics.spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]) == 0.8)
    // Ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4: 4.5 / √(4.5 · 5).
    #expect(abs(try #require(MapMetrics.spearman([0, 0, 1, 2], [0, 1, 2, 3])) - 4.5 / 22.5.squareRoot()) < 1e-15)
    #expect(MapMetrics.spearman([0, 1, 0, 1], [0, 0, 1, 1]) == 0)
  }

  @Test func `the strongest tenth is counted in places, and the first of equal places is the stronger`() {
    // Twenty places, of which two count.
    let rising: [Float] = (0..<20).map(Float.init)
    var other = rising
    other.swapAt(0, 19)
    #expect(MapMetrics.topOverlap(rising, other) == 0.5)
    #expect(MapMetrics.topOverlap(rising, rising.map { -$0 }) == 0)
    let halves: [Float] = (0..<20).map { $0 < 10 ? 1 : 0 }
    let first: [Float] = (0..<20).map { $0 < 2 ? 1 : 0 }, second: [Float] = (0..<20).map { $0 == 1 || $0 == 2 ? 1 : 0 }
    #expect(MapMetrics.topOverlap(halves, first) == 1)
    #expect(MapMetrics.topOverlap(halves, second) == 0.5)
    // Of fewer than ten places one counts.
    #expect(MapMetrics.topOverlap([0, 2, 1], [0, 1, 2]) == 0)
  }

  @Test func `a constant map has no ranks and no strongest places, and zero has no direction`() {
    let map: [Float] = [0, 0.5, 1], constant: [Float] = [0.5, 0.5, 0.5], zero: [Float] = [0, 0, 0]
    for flat in [constant, zero] {
      #expect(MapMetrics.spearman(map, flat) == nil && MapMetrics.spearman(flat, flat) == nil)
      #expect(MapMetrics.topOverlap(flat, map) == nil && MapMetrics.topOverlap(flat, flat) == nil)
    }
    #expect(MapMetrics.cosine(map, zero) == nil)
    #expect(MapMetrics.cosine(constant, constant) == 1)
  }

  /// Values from the closed form, computed by hand for 27 of 32.
  @Test func `Wilson's interval holds the share and stays within 0 and 1`() {
    let share = Share(27, of: 32)
    #expect(abs(share.interval.lowerBound - 0.6825) < 1e-3)
    #expect(abs(share.interval.upperBound - 0.9313) < 1e-3)
    #expect(Share(0, of: 8).interval.lowerBound == 0)
    #expect(Share(8, of: 8).interval.upperBound == 1)
    #expect(Share(0, of: 0).interval == 0...1)
  }
}
