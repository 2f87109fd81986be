import Attacks
import Images
import Interpreters
import TensorTypes

/// What a network sees in images, and the maps that an interpreter draws of them, batch by batch.
///
/// Deterministic; images do not influence one another.
public struct MapReader {
  /// [h, w]
  public let mapShape: Shape
  private let model: ClassifierInterface
  private let measurer: any MapMeasurer

  /// - Parameters:
  ///   - programs: of `map`, or more.
  ///   - seed: decides the jitter of MASK and the noise of SmoothGrad.
  /// - Throws: `UsageError` for programs without a map; what compiling and loading them throw.
  public init(_ programs: ModelPrograms, threads: Int? = nil, seed: UInt64 = 0) throws {
    let (model, map) = try programs.classifier(with: .map)
    self.model = model
    measurer = try programs.measurer(threads: threads, seed: seed)
    mapShape = Shape(Array(map.shape.extents.dropFirst()))
  }

  /// Of each image the probabilities and the map of a class.
  ///
  /// Images are taken as they are and not as photos: one of another size than the model's is resized to it on both sides, by
  /// the interpolation of the model's photos.
  /// - Throws: `ImageError`, `AttackError`, or the error of the programs.
  public func measure(_ images: [Image], classes: [Int]) throws -> [Measurement] {
    precondition(images.count == classes.count)
    let (height, width) = (model.imageShape[2], model.imageShape[3])
    var measurements: [Measurement] = []
    for first in stride(from: 0, to: images.count, by: model.batch) {
      let part = try images[first..<min(first + model.batch, images.count)].map { image throws(ImageError) in
        image.width == width && image.height == height
          ? image : try image.resized(width: width, height: height, by: .exact(model.resizeRule.interpolation))
      }
      let padding = model.batch - part.count
      let own = Array(classes[first..<first + part.count])
      let levels = (part + Array(repeating: part[part.count - 1], count: padding)).flatMap { model.levels($0) }
      let measured = try measurer.measure(
        pixels(levels), shape: model.imageShape, classes: own + Array(repeating: own[own.count - 1], count: padding))
      measurements += measured.prefix(part.count)
    }
    return measurements
  }
}
