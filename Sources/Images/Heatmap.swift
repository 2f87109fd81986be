import TensorTypes

/// A map of one value for each position, row by row: how much an interpreter says a place matters.
public struct Heatmap: Sendable, Equatable {
  public let width: Int
  public let height: Int
  public let values: [Float]

  /// - Precondition: both sides are positive and `values.count == width * height`.
  public init(width: Int, height: Int, values: [Float]) {
    precondition(width > 0 && height > 0, "a map of \(width) x \(height)")
    precondition(values.count == width * height, "\(values.count) values for \(width) x \(height)")
    self.width = width
    self.height = height
    self.values = values
  }

  /// Map `index` of a tensor [h,w], [N,h,w] or [N,1,h,w].
  /// - Throws: `ImageError.invalidTensor`.
  public init(_ tensor: HostTensor, index: Int = 0) throws(ImageError) {
    let extents = tensor.shape.extents
    let isShaped = (2...3).contains(extents.count) || (extents.count == 4 && extents[1] == 1)
    guard isShaped, tensor.type.element.isFloatingPoint, tensor.shape.elementCount > 0,
      (0..<(extents.count == 2 ? 1 : extents[0])).contains(index)
    else {
      throw .invalidTensor(
        type: tensor.type.description, expected: "f32[h,w], f32[N,h,w] or f32[N,1,h,w] with a map \(index)")
    }
    let area = extents[extents.count - 2] * extents[extents.count - 1]
    self.init(
      width: extents[extents.count - 1], height: extents[extents.count - 2],
      values: Array(tensor.floats[index * area..<(index + 1) * area]))
  }

  /// The map at another size, bilinear with half-pixel centres and no antialiasing.
  ///
  /// src = (dst + 1/2) in/out - 1/2, cut to 0...in-1.
  /// - Precondition: both sides are positive.
  public func resized(width: Int, height: Int) -> Heatmap {
    precondition(width > 0 && height > 0)
    let columns = Self.positions(from: self.width, to: width)
    let rows = Self.positions(from: self.height, to: height)
    var resized: [Float] = []
    resized.reserveCapacity(width * height)
    for row in rows {
      for column in columns {
        let top = interpolated(row.low * self.width, column)
        let bottom = interpolated(row.high * self.width, column)
        resized.append(top + row.fraction * (bottom - top))
      }
    }
    return Heatmap(width: width, height: height, values: resized)
  }

  private typealias Position = (low: Int, high: Int, fraction: Float)

  private func interpolated(_ start: Int, _ column: Position) -> Float {
    let left = values[start + column.low]
    return left + column.fraction * (values[start + column.high] - left)
  }

  private static func positions(from inputCount: Int, to outputCount: Int) -> [Position] {
    (0..<outputCount).map { output in
      let exact: Double = (Double(output) + 0.5) * Double(inputCount) / Double(outputCount) - 0.5
      let source: Double = max(0, min(Double(inputCount - 1), exact))
      let low = Int(source)
      return (low, min(low + 1, inputCount - 1), Float(source - Double(low)))
    }
  }

  /// The map as an image of its own size, `range` spread over the colours; values outside take the end colours.
  public func colored(with colors: ColorMap = .turbo, range: ClosedRange<Float> = 0...1) -> Image {
    let extent: Float = range.upperBound - range.lowerBound
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height * 3)
    for value in values {
      let color = colors.color(of: extent > 0 ? (value - range.lowerBound) / extent : 0.5)
      pixels.append(color.red)
      pixels.append(color.green)
      pixels.append(color.blue)
    }
    return Image(width: width, height: height, pixels: pixels)
  }

  /// The photo with the map, resized to it, in colour over it.
  ///
  /// pixel = (1 - opacity) * photo + opacity * colour, with opacity cut to [0,1].
  public func overlaid(
    on photo: Image, with colors: ColorMap = .turbo, range: ClosedRange<Float> = 0...1, opacity: Float = 0.5
  ) -> Image {
    let colored = resized(width: photo.width, height: photo.height).colored(with: colors, range: range)
    let share: Float = max(0, min(1, opacity))
    let pixels = zip(photo.pixels, colored.pixels).map { below, above in
      UInt8((Float(below) + share * (Float(above) - Float(below))).rounded())
    }
    return Image(width: photo.width, height: photo.height, pixels: pixels)
  }
}
