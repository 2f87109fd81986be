import TensorTypes

/// Which of the two published forms of MASK.
public enum MaskVersion: String, Sendable, CaseIterable, Codable {
  /// The early one: no jitter, the mask is not blurred.
  case v1
  /// The one that the paper's numbers are of.
  case v2

  /// Steps of Adam.
  public var iterations: Int { self == .v1 ? 400 : 300 }
}

/// The numbers of MASK for images of one size: those of the published code for 224 × 224 and for 32 × 32.
///
/// Images of 112 pixels and more a side take those of 224, smaller ones those of 32. A mask has side / 8 places a side for
/// the former and side / 4 for the latter. Margins, taps and widths of filters grow with the side; weights and learning rate
/// do not, but the weight of a sum over the mask is that of 28 × 28 or 8 × 8 places.
public struct MaskConstants: Sendable, Equatable {
  public let version: MaskVersion
  /// [B, C, H, W]
  public let imageShape: Shape
  /// [B, h, w]
  public let maskShape: Shape
  /// How much taller and wider the image is resized, so that a window of its own size can be cut out at an offset from 0 to
  /// margin − 1; zero without jitter.
  public let margin: Int
  /// Of the resized image, normalised taps.
  public let imageFilter: [Double]
  /// Of the enlarged mask; a single tap leaves it.
  public let maskFilter: [Double]
  /// The weight of Σ |1 − m|.
  public let sparsity: Double
  /// The weight of TV₃.
  public let variation: Double
  public let learningRate: Double
  public var iterations: Int

  /// [B, C, H + margin, W + margin], of the views of images.
  public var viewShape: Shape {
    [imageShape[0], imageShape[1], imageShape[2] + margin, imageShape[3] + margin]
  }

  /// Resizes one axis of an image.
  /// - Parameter axis: 2 or 3.
  public func sharpening(_ axis: Int) -> AxisOperator { .resize(from: imageShape[axis], to: viewShape[axis]) }

  /// Resizes one axis of an image, then blurs it.
  public func blurring(_ axis: Int) -> AxisOperator { .blur(imageFilter, count: viewShape[axis]).after(sharpening(axis)) }

  /// From a mask to the weight of each pixel, along one axis.
  public func enlarging(_ axis: Int) -> AxisOperator {
    .blur(maskFilter, count: imageShape[axis]).after(.resize(from: maskShape[axis - 1], to: imageShape[axis]))
  }

  /// The smallest side of images.
  public static let smallestSide = 8

  /// - Throws: `InterpreterError.tooSmallForMask` for images with a side below 8 pixels.
  public init(_ version: MaskVersion, imageShape: Shape) throws(InterpreterError) {
    let side = min(imageShape[2], imageShape[3])
    guard side >= Self.smallestSide else { throw .tooSmallForMask(imageShape: imageShape) }
    let isLarge = side >= 112
    let published = isLarge ? 224 : 32
    /// A length at the published side, in proportion to this one.
    func scaled(_ length: Double) -> Double { length * Double(side) / Double(published) }
    /// An odd number of taps of at least 3, whose half is shorter than the image.
    func taps(_ count: Double) -> Int { max(3, 2 * Int(((scaled(count) - 1) / 2).rounded()) + 1) }
    self.version = version
    iterations = version.iterations
    self.imageShape = imageShape
    let cell = isLarge ? 8 : 4
    maskShape = [imageShape[0], imageShape[2] / cell, imageShape[3] / cell]
    let places = Double(maskShape[1] * maskShape[2])
    switch (version, isLarge) {
    case (.v1, _):
      margin = 0
      let count = max(3, 2 * Int((5 * Double(side) / 224).rounded()) + 1)
      imageFilter = AxisOperator.gaussian(taps: count, sigma: 10 * Double(side) / 224)
      maskFilter = [1]
      (sparsity, variation, learningRate) = (1e-2 / places, 1e-4, 0.1)
    case (.v2, true):
      margin = max(2, Int(scaled(4).rounded()))
      let count = taps(21)
      imageFilter = AxisOperator.gaussian(taps: count, sigma: 0.3 * (Double(count - 1) / 2 - 1) + 0.8)
      maskFilter = AxisOperator.gaussian(taps: taps(11), sigma: scaled(2))
      (sparsity, variation, learningRate) = (1e-4 * (784 / places), 1e-2, 0.1)
    case (.v2, false):
      margin = 2
      imageFilter = [1, 4, 6, 4, 1].map { $0 / 16 }
      maskFilter = [1, 2, 1].map { $0 / 4 }
      (sparsity, variation, learningRate) = (1e-3 * (64 / places), 0.1, 0.05)
    }
  }
}
