/// Bars of numbers side by side, in groups, with their values above them and a legend.
///
/// The height of the chart is the largest number, and at least `smallestTop`.
public struct BarChart: Sendable {
  public struct Group: Sendable {
    public let title: String
    /// One for each series; nil leaves a gap.
    public let values: [Float?]

    public init(_ title: String, _ values: [Float?]) {
      self.title = title
      self.values = values
    }
  }

  public let heading: String
  public let series: [String]
  public let groups: [Group]
  public var smallestTop: Float = 0.1

  /// - Precondition: as many values in each group as series.
  public init(heading: String, series: [String], groups: [Group]) {
    precondition(groups.allSatisfy { $0.values.count == series.count })
    self.heading = heading
    self.series = series
    self.groups = groups
  }

  private static let margin: Int = 24
  private static let barWidth: Int = 72
  private static let barGap: Int = 8
  private static let groupGap: Int = 40
  private static let height: Int = 240
  private static let ink = Color(grey: 24)
  private static let line = Color(grey: 160)

  /// The chart as an image; the lines of its base and text are above and below.
  /// - Throws: `ImageError.invalidSize` when it has too many bars for one image.
  public func rendered() throws(ImageError) -> Image {
    let groupWidth = series.count * (Self.barWidth + Self.barGap) - Self.barGap
    let legend = ChartLegend(series)
    let titles = groups.map { Text($0.title, width: max(groupWidth, 1), color: Self.ink) }
    let contentWidth = max(groups.count * (groupWidth + Self.groupGap) - Self.groupGap, legend.width, 320)
    let words = Text(heading, width: contentWidth, color: Self.ink, isBold: true)
    let legendTop = Self.margin + words.height + 8
    let base = legendTop + 2 * Text.lineHeight + 8 + Self.height
    let width = contentWidth + 2 * Self.margin
    let height = base + 8 + (titles.map(\.height).max() ?? 0) + Self.margin
    guard height <= Image.largestPixelCount / width else { throw .invalidSize(width: width, height: height) }
    var page = Image(width: width, height: height, filledWith: .white)
    words.draw(on: &page, left: Self.margin, top: Self.margin)
    legend.draw(on: &page, left: Self.margin, top: legendTop)
    let top = max(smallestTop, groups.flatMap(\.values).compactMap(\.self).filter(\.isFinite).max() ?? 0)
    var left = Self.margin
    for (group, title) in zip(groups, titles) {
      for (index, value) in group.values.enumerated() {
        let barLeft = left + index * (Self.barWidth + Self.barGap)
        guard let value, value.isFinite else { continue }
        let barHeight = Int((max(0, value) / top * Float(Self.height)).rounded())
        page.fill(
          left: barLeft, top: base - barHeight, width: Self.barWidth, height: barHeight, with: ChartLegend.color(index))
        let label = Text(Self.label(value), width: Self.barWidth, color: Self.ink)
        label.draw(on: &page, left: barLeft + (Self.barWidth - label.width) / 2, top: base - barHeight - Text.lineHeight)
      }
      title.draw(on: &page, left: left + max(0, (groupWidth - title.width) / 2), top: base + 8)
      left += groupWidth + Self.groupGap
    }
    page.fill(left: Self.margin, top: base, width: contentWidth, height: 2, with: Self.line)
    return page
  }

  private static func label(_ value: Float) -> String {
    let thousandths = Int((abs(value) * 1000).rounded())
    let digits = "\(1000 + thousandths % 1000)".dropFirst()
    return "\(value < 0 && thousandths > 0 ? "-" : "")\(thousandths / 1000).\(digits)"
  }
}
