import Attacks
import Testing

@Suite struct MapMetricsTests {
  @Test func `distances are means over the map`() {
    let a: [Float] = [0, 1, 0.5, 0], b: [Float] = [0, 0, 0.5, 1]
    #expect(MapMetrics.l1(a, b) == 0.5)
    #expect(abs(MapMetrics.l2(a, b) - 0.5.squareRoot()) < 1e-12)
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
