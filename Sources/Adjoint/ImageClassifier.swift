import IR
import Images
import Interpreters
import ONNX
import TensorTypes

/// A model file as an image classifier for batches of one size, with its preprocessing and class names.
public struct ImageClassifier: Sendable {
  public let path: String
  /// Of the bytes of the ONNX file, followed by those of the files with its external data.
  public let sha256: String
  public let imported: ImportedModel
  public let classifier: Classifier
  public let preprocessing: Preprocessing
  public let resizeRule: ResizeRule
  public let labels: Labels

  /// [B, C, H, W]
  public var imageShape: Shape { classifier.imageShape }

  /// Imports the model and wraps the preprocessing into its graph.
  /// - Parameters:
  ///   - overrides: members that win over the JSON file beside the model.
  ///   - shapes: whole shapes of inputs, by name.
  /// - Throws: `ModelError`, `InterpreterError`, `FileError`, `UsageError`.
  public init(path: String, batch: Int, shapes: [String: [Int]] = [:], overrides: ModelDescription = ModelDescription())
    throws
  {
    let beside = try ModelDescription.beside(model: path)
    let description = (beside?.description ?? ModelDescription()).overridden(by: overrides)
    if let size = description.size, size.count != 2 || size.contains(where: { $0 < 1 }) {
      throw UsageError("size is \(size); height and width are expected")
    }
    let imported = try Self.imported(at: path, batch: batch, shapes: shapes, description)
    self.imported = imported
    self.path = path
    sha256 = try hash(of: imported, at: path)
    let inputShape = imported.graph.inputs.first.map { imported.graph[$0].type.shape.extents } ?? []
    preprocessing = try description.preprocessing(inputShape: inputShape)
    classifier = try Classifier(imported.graph, preprocessing: preprocessing, scores: description.scores)
    let shape = classifier.imageShape
    if let size = description.size, size != [shape[2], shape[3]] {
      throw UsageError("size is \(size[0]) x \(size[1]), but the model takes images of \(shape[2]) x \(shape[3])")
    }
    resizeRule = try description.resizeRule(height: shape[2], width: shape[3])
    var names: [String]?
    if let file = description.labels { names = try readLines(file) }
    labels = try Labels(classCount: classifier.classCount, names: names, file: description.labels)
  }

  /// Free dimensions beside the batch are fixed by the size that the description gives.
  private static func imported(
    at path: String, batch: Int, shapes: [String: [Int]], _ description: ModelDescription
  ) throws(ModelError) -> ImportedModel {
    do {
      return try importModel(path, ImportOptions(batch: batch, shapes: shapes))
    } catch {
      guard case .freeDimension(let input, _, _, _) = error.cause, shapes[input] == nil, let size = description.size else {
        throw error
      }
      let channels = description.channelOrder == "grey" ? 1 : 3
      var shapes = shapes
      shapes[input] = description.layout == "nhwc" ? [batch] + size + [channels] : [batch, channels] + size
      return try importModel(path, ImportOptions(batch: batch, shapes: shapes))
    }
  }

  // MARK: Images

  /// The photo in a file at the size of the model's input.
  /// - Throws: `ImageError` or `FileError`, which name the file.
  func photo(at path: String) throws -> Image {
    let photo = try Image(contentsOf: path)
    do { return try resized(photo) } catch { throw FileError("'\(path)' cannot be resized for the model: \(error)") }
  }

  /// The photo at the size of the model's input.
  public func resized(_ photo: Image) throws(ImageError) -> Image {
    let resized = try photo.resized(width: imageShape[3], height: imageShape[2], by: resizeRule)
    return preprocessing.channelOrder == .grey ? resized.grey : resized
  }

  /// The 8-bit levels of an image, channel by channel.
  func levels(_ image: Image) -> [UInt8] {
    let channels = imageShape[1]
    return (0..<channels).flatMap { channel in
      stride(from: channel, to: image.pixels.count, by: 3).map { image.pixels[$0] }
    }
  }

  /// The image with the given levels.
  func image(_ levels: [UInt8]) -> Image {
    let area = imageShape[2] * imageShape[3]
    let channels = imageShape[1]
    var pixels = [UInt8](repeating: 0, count: 3 * area)
    for channel in 0..<3 {
      let plane = min(channel, channels - 1) * area
      for position in 0..<area { pixels[position * 3 + channel] = levels[plane + position] }
    }
    return Image(width: imageShape[3], height: imageShape[2], pixels: pixels)
  }
}

extension Image {
  /// Every pixel as its luma, ITU-R 601-2 in fixed point as Pillow's mode L has it: a grey image stays itself.
  var grey: Image {
    var grey = pixels
    for index in stride(from: 0, to: pixels.count, by: 3) {
      let luma = Int(pixels[index]) * 19595 + Int(pixels[index + 1]) * 38470 + Int(pixels[index + 2]) * 7471 + 0x8000
      for channel in 0..<3 { grey[index + channel] = UInt8(luma >> 16) }
    }
    return Image(width: width, height: height, pixels: grey)
  }
}
