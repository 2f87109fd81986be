/// Why an image could not be read or made. `source` is its path or the name given with the bytes.
public enum ImageError: Error, Equatable, CustomStringConvertible {
  case unreadableFile(source: String, reason: String)
  case notAnImage(source: String)
  case unsupportedFormat(source: String, format: String)
  case truncated(source: String, format: String)
  case damaged(source: String, format: String, reason: String)
  case tooLarge(source: String, width: Int, height: Int, limit: Int)
  case outOfMemory(source: String, width: Int, height: Int)
  case invalidSize(width: Int, height: Int)
  case cropOutside(width: Int, height: Int, cropWidth: Int, cropHeight: Int)
  case invalidTensor(type: String, expected: String)
  case notFinite(index: Int)
  case unequalSizes(expected: String, found: String)

  public var description: String {
    switch self {
    case .unreadableFile(let source, let reason):
      "cannot read '\(source)': \(reason)"
    case .notAnImage(let source):
      "'\(source)' is not an image: it begins like neither PNG nor JPEG"
    case .unsupportedFormat(let source, let format):
      "'\(source)' is an image in \(format) format; PNG and JPEG are read"
    case .truncated(let source, let format):
      "'\(source)' is truncated: the \(format) data ends before the image does"
    case .damaged(let source, let format, let reason):
      "'\(source)' is a damaged \(format) image: \(reason)"
    case .tooLarge(let source, let width, let height, let limit):
      "'\(source)' has \(width) x \(height) pixels, more than the \(limit) that are read"
    case .outOfMemory(let source, let width, let height):
      "'\(source)' has \(width) x \(height) pixels, for which there is no memory"
    case .invalidSize(let width, let height):
      "an image cannot have \(width) x \(height) pixels; 1 to \(Image.largestPixelCount) in all are accepted"
    case .cropOutside(let width, let height, let cropWidth, let cropHeight):
      "a crop of \(cropWidth) x \(cropHeight) does not fit an image of \(width) x \(height)"
    case .invalidTensor(let type, let expected):
      "\(type) is not \(expected)"
    case .notFinite(let index):
      "element \(index) is not a finite number, so it has no colour"
    case .unequalSizes(let expected, let found):
      "images of \(expected) and \(found) do not lie on each other; equal sizes are accepted"
    }
  }
}
