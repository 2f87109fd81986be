/// One picture of a report with its words.
public struct Panel: Sendable {
  public var title: String
  public var image: Image
  /// Paler print below the picture, one paragraph each.
  public var captions: [String]

  public init(_ title: String, _ image: Image, captions: [String] = []) {
    self.title = title
    self.image = image
    self.captions = captions
  }
}

/// What the colours of a row's heatmaps mean.
public struct ColorScale: Sendable {
  public var colors: ColorMap
  public var range: ClosedRange<Float>

  public init(_ colors: ColorMap = .turbo, range: ClosedRange<Float> = 0...1) {
    self.colors = colors
    self.range = range
  }
}

/// Pictures side by side, in rows, with titles and captions on white: what a person looks at after an attack.
///
///     Report(heading: "tabby → goldfish", rows: [
///       .init([Panel("Photo", photo), Panel("Perturbation ×10", try adversarial.difference(from: photo))]),
///       .init([Panel("CAM before", before.overlaid(on: photo))], colorScale: ColorScale()),
///     ]).rendered().encodedPNG()
public struct Report: Sendable {
  public struct Row: Sendable {
    public var panels: [Panel]
    /// A bar at the right end of the row, for pictures that share one scale.
    public var colorScale: ColorScale?

    public init(_ panels: [Panel], colorScale: ColorScale? = nil) {
      self.panels = panels
      self.colorScale = colorScale
    }
  }

  public var heading: String
  public var rows: [Row]

  public init(heading: String = "", rows: [Row]) {
    self.heading = heading
    self.rows = rows
  }

  /// Pictures smaller than this are enlarged by a whole factor, so that single pixels stay sharp.
  private static let smallestSide: Int = 224
  private static let margin: Int = 24
  private static let gap: Int = 16
  private static let rowGap: Int = 28
  private static let textGap: Int = 6
  private static let barWidth: Int = 18
  private static let ink = Color(grey: 24)
  private static let paleInk = Color(grey: 96)
  private static let frame = Color(grey: 200)

  /// The report as one image.
  /// - Throws: `ImageError.invalidSize` when its panels are too many or too large for one image.
  public func rendered() throws(ImageError) -> Image {
    let laidOut = rows.map(LaidOutRow.init)
    let contentWidth = max(Self.smallestSide, laidOut.map(\.width).max() ?? 0)
    let heading = Text(self.heading, width: contentWidth, color: Self.ink, isBold: true)
    let headingHeight = heading.lines.isEmpty ? 0 : heading.height + Self.gap
    let width = contentWidth + 2 * Self.margin
    let height =
      headingHeight + laidOut.map(\.height).reduce(0, +) + max(0, laidOut.count - 1) * Self.rowGap + 2 * Self.margin
    guard height <= Image.largestPixelCount / width else { throw .invalidSize(width: width, height: height) }
    var page = Image(width: width, height: height, filledWith: .white)
    heading.draw(on: &page, left: Self.margin, top: Self.margin)
    var top = Self.margin + headingHeight
    for row in laidOut {
      row.draw(on: &page, left: Self.margin, top: top)
      top += row.height + Self.rowGap
    }
    return page
  }

  private struct LaidOutPanel {
    let image: Image
    let title: Text
    let captions: [Text]

    init(_ panel: Panel) {
      image = panel.image.enlarged(by: max(1, Report.smallestSide / max(panel.image.width, panel.image.height)))
      let width = max(image.width, Report.smallestSide)
      title = Text(panel.title, width: width, color: Report.ink)
      captions = panel.captions.map { Text($0, width: width, color: Report.paleInk) }
    }

    var width: Int { ([image.width, title.width] + captions.map(\.width)).max() ?? 0 }
    var captionHeight: Int { captions.map(\.height).reduce(0, +) }
  }

  private struct LaidOutRow {
    let panels: [LaidOutPanel]
    let scale: LaidOutScale?

    init(_ row: Row) {
      panels = row.panels.map(LaidOutPanel.init)
      scale = row.colorScale.map(LaidOutScale.init)
    }

    private var titleHeight: Int { panels.map(\.title.height).max() ?? 0 }
    private var imageHeight: Int { panels.map(\.image.height).max() ?? 0 }
    private var captionHeight: Int { panels.map(\.captionHeight).max() ?? 0 }

    var width: Int {
      panels.map(\.width).reduce(0, +) + max(0, panels.count - 1) * Report.gap + (scale.map { Report.gap + $0.width } ?? 0)
    }

    var height: Int { titleHeight + Report.textGap + imageHeight + (captionHeight > 0 ? Report.textGap + captionHeight : 0) }

    func draw(on page: inout Image, left: Int, top: Int) {
      var left = left
      let imageTop = top + titleHeight + Report.textGap
      for panel in panels {
        // Titles of one line stand right above their picture when a neighbour's has two.
        panel.title.draw(on: &page, left: left, top: top + titleHeight - panel.title.height)
        let (frameWidth, frameHeight) = (panel.image.width + 2, panel.image.height + 2)
        page.fill(left: left - 1, top: imageTop - 1, width: frameWidth, height: frameHeight, with: Report.frame)
        page.paste(panel.image, left: left, top: imageTop)
        var captionTop = imageTop + panel.image.height + Report.textGap
        for caption in panel.captions {
          caption.draw(on: &page, left: left, top: captionTop)
          captionTop += caption.height
        }
        left += panel.width + Report.gap
      }
      scale?.draw(on: &page, left: left, top: imageTop, height: imageHeight)
    }
  }

  private struct LaidOutScale {
    let scale: ColorScale
    let labels: [Text]

    init(_ scale: ColorScale) {
      self.scale = scale
      let middle: Float = (scale.range.lowerBound + scale.range.upperBound) / 2
      labels = [scale.range.upperBound, middle, scale.range.lowerBound].map {
        Text(Self.label($0), width: Report.smallestSide, color: Report.paleInk)
      }
    }

    /// At most three significant places, without a fraction of zero.
    private static func label(_ value: Float) -> String {
      guard abs(value) < 1000 else { return "\(value)" }
      let rounded = (value * 1000).rounded() / 1000
      return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }

    var width: Int { Report.barWidth + Report.textGap + (labels.map(\.width).max() ?? 0) }

    func draw(on page: inout Image, left: Int, top: Int, height: Int) {
      page.fill(left: left - 1, top: top - 1, width: Report.barWidth + 2, height: height + 2, with: Report.frame)
      for row in 0..<height {
        let color = scale.colors.color(of: 1 - Float(row) / Float(max(1, height - 1)))
        page.fill(left: left, top: top + row, width: Report.barWidth, height: 1, with: color)
      }
      let labelLeft = left + Report.barWidth + Report.textGap
      for (index, label) in labels.enumerated() {
        label.draw(on: &page, left: labelLeft, top: top + index * (height - 14) / 2)
      }
    }
  }
}

extension Image {
  /// Each pixel as a square of `factor` x `factor`.
  /// - Precondition: the factor is positive.
  public func enlarged(by factor: Int) -> Image {
    precondition(factor > 0)
    guard factor > 1 else { return self }
    var enlarged: [UInt8] = []
    enlarged.reserveCapacity(pixels.count * factor * factor)
    for row in 0..<height {
      var line: [UInt8] = []
      for column in 0..<width {
        let start = (row * width + column) * 3
        for _ in 0..<factor { line += pixels[start..<start + 3] }
      }
      for _ in 0..<factor { enlarged += line }
    }
    return Image(width: width * factor, height: height * factor, pixels: enlarged)
  }
}
