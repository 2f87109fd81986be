/// The names of a chart's series in one line, each behind a square of its colour.
struct ChartLegend {
  private static let side: Int = 14
  private static let gap: Int = 20
  private static let ink = Color(grey: 24)
  /// Distinct for readers who do not see all colours, and in grey.
  private static let colors = [Color(204, 102, 64), Color(64, 112, 176), Color(96, 160, 96), Color(150, 150, 150)]

  private let titles: [Text]

  init(_ titles: [String]) { self.titles = titles.map { Text($0, width: 10_000, color: Self.ink) } }

  static func color(_ index: Int) -> Color { colors[index % colors.count] }

  var width: Int { titles.map { $0.width + 2 * Self.gap }.reduce(0, +) }

  func draw(on page: inout Image, left: Int, top: Int) {
    var left = left
    for (index, title) in titles.enumerated() {
      page.fill(left: left, top: top, width: Self.side, height: Self.side, with: Self.color(index))
      title.draw(on: &page, left: left + Self.gap, top: top)
      left += title.width + 2 * Self.gap
    }
  }
}
