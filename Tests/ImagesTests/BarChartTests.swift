import Testing

@testable import Images

@Suite struct BarChartTests {
  /// The number of pixels of a colour, below the legend, in each column of the picture that has any.
  private func heights(_ chart: BarChart, _ color: Color) throws -> [Int] {
    let picture = try chart.rendered()
    return (0..<picture.width).map { x in (70..<picture.height).count { picture[x, $0] == color } }.filter { $0 > 0 }
  }

  @Test func `bars are as high as their numbers are large, whatever the largest is`() throws {
    let chart = BarChart(
      heading: "distances", series: ["a", "b"], groups: [.init("one", [0.4, 0.1]), .init("two", [0.2, nil])])
    let picture = try chart.rendered()
    let first = picture[30, 88 - 1]
    #expect(first != .white)
    let high = try heights(chart, Color(204, 102, 64))
    let low = try heights(chart, Color(64, 112, 176))
    #expect(Set(high) == [240, 120] && Set(low) == [60])
    #expect(high.count == 2 * low.count)
  }

  @Test func `a value that is no number leaves a gap`() throws {
    let chart = BarChart(
      heading: "", series: ["a"], groups: [.init("one", [.nan]), .init("two", [nil]), .init("three", [1])])
    let heights = try heights(chart, Color(204, 102, 64))
    #expect(Set(heights) == [240])
  }
}
