import Images
import Interpreters
import TensorTypes

/// How photos go into an image classifier, and what its classes are called.
public struct ClassifierInterface: Sendable, Codable {
  /// [B, C, H, W]
  public let imageShape: Shape
  /// Part of the graphs; recorded with results.
  public let preprocessing: Preprocessing
  public let resizeRule: ResizeRule
  public let labels: Labels
  /// Which of the model's scores is that of the label whose two classes these are; nil where each class has its own.
  public let label: Int?

  public var batch: Int { imageShape[0] }

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
  public func levels(_ image: Image) -> [UInt8] {
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
