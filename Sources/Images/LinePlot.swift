/// Curves over one axis, with a grid of ticks and a legend.
///
/// The ticks' first and last are the ends of the axes; what lies outside is left out, and a point that is not finite breaks
/// its curve.
public struct LinePlot: Sendable {
  public struct Curve: Sendable {
    public let title: String
    public let points: [(x: Double, y: Double)]

    public init(_ title: String, _ points: [(x: Double, y: Double)]) {
      self.title = title
      self.points = points
    }
  }

  public struct Tick: Sendable {
    public let value: Double
    public let label: String

    public init(_ value: Double, _ label: String) {
      self.value = value
      self.label = label
    }
  }

  public let heading: String
  public let curves: [Curve]
  public let xTicks: [Tick]
  public let yTicks: [Tick]

  /// - Precondition: at least two ticks an axis, in ascending order.
  public init(heading: String, curves: [Curve], xTicks: [Tick], yTicks: [Tick]) {
    precondition([xTicks, yTicks].allSatisfy { $0.count > 1 && $0[0].value < $0[$0.count - 1].value })
    self.heading = heading
    self.curves = curves
    self.xTicks = xTicks
    self.yTicks = yTicks
  }

  private static let margin: Int = 24
  private static let labelWidth: Int = 100
  private static let width: Int = 720
  private static let height: Int = 420
  private static let thickness: Int = 3
  private static let ink = Color(grey: 24)
  private static let grid = Color(grey: 224)

  /// The plot as an image.
  /// - Throws: `ImageError.invalidSize` when the legend is too wide for one image.
  public func rendered() throws(ImageError) -> Image {
    let legend = ChartLegend(curves.map(\.title))
    let left = Self.margin + Self.labelWidth
    let words = Text(heading, width: left + Self.width - Self.margin, color: Self.ink, isBold: true)
    let top = Self.margin + words.height + 8 + Text.lineHeight + 12
    let width = max(left + Self.width, Self.margin + legend.width) + Self.labelWidth
    let height = top + Self.height + 8 + Text.lineHeight + Self.margin
    guard height <= Image.largestPixelCount / width else { throw .invalidSize(width: width, height: height) }
    var page = Image(width: width, height: height, filledWith: .white)
    words.draw(on: &page, left: Self.margin, top: Self.margin)
    legend.draw(on: &page, left: Self.margin, top: Self.margin + words.height + 8)
    for tick in xTicks {
      let x = left + column(tick.value)
      page.fill(left: x, top: top, width: 1, height: Self.height, with: Self.grid)
      let label = Text(tick.label, width: Self.labelWidth, color: Self.ink)
      label.draw(on: &page, left: x - label.width / 2, top: top + Self.height + 8)
    }
    for tick in yTicks {
      let y = top + row(tick.value)
      page.fill(left: left, top: y, width: Self.width, height: 1, with: Self.grid)
      let label = Text(tick.label, width: Self.labelWidth, color: Self.ink)
      label.draw(on: &page, left: left - 8 - label.width, top: y - Text.lineHeight / 2)
    }
    for (index, curve) in curves.enumerated() {
      for (from, to) in zip(curve.points, curve.points.dropFirst()) {
        draw(from, to, ChartLegend.color(index), on: &page, left: left, top: top)
      }
    }
    return page
  }

  private func draw(
    _ from: (x: Double, y: Double), _ to: (x: Double, y: Double), _ color: Color, on page: inout Image, left: Int, top: Int
  ) {
    guard [from.x, from.y, to.x, to.y].allSatisfy(\.isFinite) else { return }
    let (xRange, yRange) = (Self.range(xTicks), Self.range(yTicks))
    let steps = max(abs(column(to.x) - column(from.x)), abs(row(to.y) - row(from.y)), 1)
    // A segment of an unbounded slope has no more pixels than this.
    for step in 0...min(steps, 10_000) {
      let share = Double(step) / Double(min(steps, 10_000))
      let (x, y) = (from.x + share * (to.x - from.x), from.y + share * (to.y - from.y))
      guard xRange.contains(x), yRange.contains(y) else { continue }
      page.fill(
        left: left + column(x) - Self.thickness / 2, top: top + row(y) - Self.thickness / 2, width: Self.thickness,
        height: Self.thickness, with: color)
    }
  }

  private static func range(_ ticks: [Tick]) -> ClosedRange<Double> { ticks[0].value...ticks[ticks.count - 1].value }

  private func column(_ x: Double) -> Int { Self.place(x, xTicks, Self.width) }
  private func row(_ y: Double) -> Int { Self.height - Self.place(y, yTicks, Self.height) }

  private static func place(_ value: Double, _ ticks: [Tick], _ length: Int) -> Int {
    let range = range(ticks)
    let share: Double = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    return Int((min(max(share, -10), 10) * Double(length)).rounded())
  }
}
