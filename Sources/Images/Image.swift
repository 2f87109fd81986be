/// An image of 8-bit RGB pixels, row by row, channels interleaved.
public struct Image: Sendable, Equatable {
  /// The most pixels an image may have: 100 million, 300 MB.
  public static let largestPixelCount: Int = 100_000_000

  public let width: Int
  public let height: Int
  /// `height * width * 3` levels: red, green, blue of the first pixel, then of its right neighbour.
  public internal(set) var pixels: [UInt8]

  /// - Precondition: both sides are positive and `pixels.count == width * height * 3`.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0, "an image of \(width) x \(height)")
    precondition(pixels.count == width * height * 3, "\(pixels.count) levels for \(width) x \(height)")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// An image of one colour.
  public init(width: Int, height: Int, filledWith color: Color) {
    self.init(
      width: width, height: height,
      pixels: [UInt8](unsafeUninitializedCapacity: width * height * 3) { levels, count in
        for index in stride(from: 0, to: width * height * 3, by: 3) {
          levels[index] = color.red
          levels[index + 1] = color.green
          levels[index + 2] = color.blue
        }
        count = width * height * 3
      })
  }

  public subscript(x: Int, y: Int) -> Color {
    get {
      let index = (y * width + x) * 3
      return Color(pixels[index], pixels[index + 1], pixels[index + 2])
    }
    set {
      let index = (y * width + x) * 3
      pixels[index] = newValue.red
      pixels[index + 1] = newValue.green
      pixels[index + 2] = newValue.blue
    }
  }

  /// The part of `width` x `height` pixels whose upper left corner is at (`left`, `top`).
  /// - Throws: `ImageError.cropOutside` when it does not lie within the image.
  public func cropped(left: Int, top: Int, width: Int, height: Int) throws(ImageError) -> Image {
    guard width > 0, height > 0, left >= 0, top >= 0, left <= self.width - width, top <= self.height - height else {
      throw .cropOutside(width: self.width, height: self.height, cropWidth: width, cropHeight: height)
    }
    var part: [UInt8] = []
    part.reserveCapacity(width * height * 3)
    for row in top..<top + height {
      let start = (row * self.width + left) * 3
      part += pixels[start..<start + width * 3]
    }
    return Image(width: width, height: height, pixels: part)
  }

  /// Lays `image` over this one with its upper left corner at (`left`, `top`); what would stand outside is left out.
  mutating func paste(_ image: Image, left: Int, top: Int) {
    let columns = max(0, -left)..<max(0, -left, min(image.width, width - left))
    guard !columns.isEmpty else { return }
    for row in 0..<image.height where (0..<height).contains(top + row) {
      let source = (row * image.width + columns.lowerBound) * 3
      let target = ((top + row) * width + left + columns.lowerBound) * 3
      let count = columns.count * 3
      pixels.replaceSubrange(target..<target + count, with: image.pixels[source..<source + count])
    }
  }

  /// Fills a rectangle; what would stand outside is left out.
  mutating func fill(left: Int, top: Int, width: Int, height: Int, with color: Color) {
    guard width > 0, height > 0 else { return }
    paste(Image(width: width, height: height, filledWith: color), left: left, top: top)
  }
}

/// An 8-bit RGB colour.
public struct Color: Sendable, Hashable {
  public var red: UInt8
  public var green: UInt8
  public var blue: UInt8

  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  public init(grey level: UInt8) { self.init(level, level, level) }

  public static let white = Color(grey: 255)
  public static let black = Color(grey: 0)
}
