/// How a resized pixel is made from its neighbours.
public enum Interpolation: String, Sendable, CaseIterable, Codable {
  case bilinear
  case bicubic

  /// The half-width of the kernel in source pixels, before it is widened for shrinking.
  var support: Double {
    switch self {
    case .bilinear: 1
    case .bicubic: 2
    }
  }

  /// The kernel; bicubic is Keys' with a = -1/2. The order of operations is Pillow's, so that roundings agree.
  func weight(at position: Double) -> Double {
    let x = abs(position)
    switch self {
    case .bilinear:
      return x < 1 ? 1 - x : 0
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
      return 0
    }
  }
}

extension Image {
  /// The image at another size, equal byte for byte to the `Image.resize` of Pillow 13.
  ///
  /// Shrinking widens the kernel by the factor (antialiasing). One direction after the other, 8-bit levels between the two,
  /// weights in fixed point with 22 fractional bits; a direction whose size stays is left alone. Earlier Pillows always
  /// resize rows first; the results differ by a few levels, and only where the proportions change much or the image is
  /// more than twice as high as wide.
  /// - Throws: `ImageError.invalidSize`.
  public func resized(width: Int, height: Int, interpolation: Interpolation) throws(ImageError) -> Image {
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflow, count <= Self.largestPixelCount else {
      throw .invalidSize(width: width, height: height)
    }
    let columnsFirst = self.height - height > max(0, 2 * (self.width - width))
    guard (columnsFirst ? self.width * height : width * self.height) <= Self.largestPixelCount else {
      throw .invalidSize(width: width, height: height)
    }
    let rows = width == self.width ? nil : Resampling(from: self.width, to: width, interpolation)
    let columns = height == self.height ? nil : Resampling(from: self.height, to: height, interpolation)
    if columnsFirst {
      let between = columns?.resampleColumns(of: self) ?? self
      return rows?.resampleRows(of: between) ?? between
    }
    let between = rows?.resampleRows(of: self) ?? self
    return columns?.resampleColumns(of: between) ?? between
  }
}

/// For each position of the output along one axis: which inputs it takes, with which weights.
///
/// w_j ∝ k((j + 1/2 - c) / s), c = (i + 1/2) in/out, s = max(1, in/out), over the inputs within s * support of c; the
/// weights of an output sum to 1.
struct Resampling {
  private static let fractionalBits: Int32 = 22

  private let starts: [Int]
  private let counts: [Int]
  /// `stride` weights for each output position.
  private let weights: [Int32]
  private let stride: Int

  init(from inputCount: Int, to outputCount: Int, _ interpolation: Interpolation) {
    let scale: Double = Double(inputCount) / Double(outputCount)
    let filterScale: Double = max(scale, 1)
    let support: Double = interpolation.support * filterScale
    let stride = Int(support.rounded(.up)) * 2 + 1
    var starts: [Int] = []
    var counts: [Int] = []
    var weights = [Int32](repeating: 0, count: outputCount * stride)
    let inverse: Double = 1 / filterScale
    for output in 0..<outputCount {
      let center: Double = (Double(output) + 0.5) * scale
      let start = max(0, Int(center - support + 0.5))
      let end = min(inputCount, Int(center + support + 0.5))
      let exact: [Double] = (start..<end).map { input in
        interpolation.weight(at: (Double(input) - center + 0.5) * inverse)
      }
      let sum: Double = exact.reduce(0, +)
      for (tap, weight) in exact.enumerated() {
        let normalized: Double = sum != 0 ? weight / sum : weight
        let fixed: Double = normalized * Double(1 << Self.fractionalBits)
        weights[output * stride + tap] = Int32(fixed < 0 ? fixed - 0.5 : fixed + 0.5)
      }
      starts.append(start)
      counts.append(end - start)
    }
    self.starts = starts
    self.counts = counts
    self.weights = weights
    self.stride = stride
  }

  func resampleRows(of image: Image) -> Image {
    apply(to: image, width: starts.count, height: image.height, outputStep: 3, inputStep: 3) { image, visit in
      for row in 0..<image.height {
        for channel in 0..<3 { visit(row * image.width * 3 + channel, row * starts.count * 3 + channel) }
      }
    }
  }

  func resampleColumns(of image: Image) -> Image {
    let step = image.width * 3
    return apply(to: image, width: image.width, height: starts.count, outputStep: step, inputStep: step) { _, visit in
      for column in 0..<step { visit(column, column) }
    }
  }

  /// Resamples every line of the image. `lines` visits the offsets at which a line starts in the input and in the output.
  private func apply(
    to image: Image, width: Int, height: Int, outputStep: Int, inputStep: Int,
    lines: (Image, (Int, Int) -> Void) -> Void
  ) -> Image {
    let count = width * height * 3
    let half: Int32 = 1 << (Self.fractionalBits - 1)
    let levels = [UInt8](unsafeUninitializedCapacity: count) { output, filled in
      image.pixels.withUnsafeBufferPointer { input in
        weights.withUnsafeBufferPointer { weights in
          lines(image) { inputStart, outputStart in
            for position in 0..<starts.count {
              var sum: Int32 = half
              var offset = inputStart + starts[position] * inputStep
              let first = position * stride
              for tap in first..<first + counts[position] {
                sum &+= Int32(input[offset]) &* weights[tap]
                offset += inputStep
              }
              output[outputStart + position * outputStep] = UInt8(clamping: sum >> Self.fractionalBits)
            }
          }
        }
      }
      filled = count
    }
    return Image(width: width, height: height, pixels: levels)
  }
}
