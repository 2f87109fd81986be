import Testing

@testable import Images

@Suite struct LinePlotTests {
  private let first = ChartLegend.color(0)

  private func plot(_ points: [(Double, Double)]) throws -> Image {
    try LinePlot(
      heading: "curve", curves: [.init("f", points.map { (x: $0.0, y: $0.1) })],
      xTicks: [-1, 0, 1].map { .init($0, "\($0)") }, yTicks: [0, 1].map { .init($0, "\($0)") }
    ).rendered()
  }

  /// The places of the curve's colour, below the legend.
  private func ink(_ picture: Image) -> [(x: Int, y: Int)] {
    (0..<picture.width).flatMap { x in (72..<picture.height).compactMap { picture[x, $0] == first ? (x, $0) : nil } }
  }

  @Test func `a line goes from corner to corner through the middle, in every column`() throws {
    let places = ink(try plot([(-1, 0), (1, 1)]))
    let (left, right) = (try #require(places.map(\.x).min()), try #require(places.map(\.x).max()))
    let (top, bottom) = (try #require(places.map(\.y).min()), try #require(places.map(\.y).max()))
    #expect(right - left == 720 + 2 && bottom - top == 420 + 2)
    #expect(Set(places.map(\.x)).count == right - left + 1)
    #expect(places.contains { $0.x == (left + right) / 2 && $0.y == (top + bottom) / 2 })
    #expect(places.allSatisfy { abs(Double(bottom - $0.y) / 422 - Double($0.x - left) / 722) < 0.01 })
  }

  @Test func `what is outside is left out, and a point that is no number breaks the curve`() throws {
    #expect(ink(try plot([(-1, 2), (1, 3)])).isEmpty)
    let broken = Set(ink(try plot([(-1, 0.5), (-0.5, 0.5), (0, .nan), (0.5, 0.5), (1, 0.5)])).map(\.x))
    let whole = Set(ink(try plot([(-1, 0.5), (1, 0.5)])).map(\.x))
    #expect(broken.isStrictSubset(of: whole) && broken.count == 2 * (720 / 4 + 3))
    #expect(ink(try plot([(0, 0.5), (0, .infinity)])).isEmpty)
  }
}
