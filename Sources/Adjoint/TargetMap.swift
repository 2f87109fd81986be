import Arrays
import Attacks
import Images
import TensorTypes

/// The map that ADV² goes for.
public enum TargetMap: Sendable, Equatable {
  /// That of the unchanged image and its label.
  case benign
  /// A random disc or rectangle.
  case patch
  /// The benign map of another image of the job, whose class is neither the label nor the target.
  case otherClass
  /// A npy, npz or PNG file of the map's size, values in [0, 1].
  case file(String)

  public init(_ words: String) {
    self =
      switch words {
      case "benign": .benign
      case "patch": .patch
      case "class": .otherClass
      default: .file(words)
      }
  }

  public var words: String {
    switch self {
    case .benign: "benign"
    case .patch: "patch"
    case .otherClass: "class"
    case .file(let path): path
    }
  }

  /// The map of a file, [h · w].
  /// - Parameter shape: [h, w].
  /// - Throws: `FileError` with both sizes, or with a value outside of [0, 1]; `ArrayFileError`, `ImageError`.
  static func read(_ path: String, shape: Shape) throws -> [Float] {
    let tensor: HostTensor
    switch path.split(separator: ".").last?.lowercased() {
    case "npy": tensor = try NPY.read(path: path)
    case "npz":
      let arrays = try NPZ.read(path: path)
      guard let array = arrays.first(where: { $0.name == "map" }) ?? (arrays.count == 1 ? arrays[0] : nil) else {
        throw FileError("'\(path)' holds \(arrays.map(\.name).joined(separator: ", ")); an array named map is expected")
      }
      tensor = array.tensor
    default:
      let image = try Image(contentsOf: path).grey
      let levels = stride(from: 0, to: image.pixels.count, by: 3).map { Float(image.pixels[$0]) / 255 }
      tensor = HostTensor([image.height, image.width], levels)
    }
    let extents = tensor.shape.extents
    let found = extents.count > 2 ? Array(extents.drop { $0 == 1 }) : extents
    guard tensor.type.element.isFloatingPoint, found == shape.extents else {
      throw FileError(
        "'\(path)' is \(tensor.type), which is no map of \(shape[0]) x \(shape[1]), the size of the interpreter's maps")
    }
    let map = tensor.doubles.map { Float($0) }
    guard map.allSatisfy({ (0...1).contains($0) }) else {
      throw FileError("'\(path)' holds values outside of 0 to 1, which no map has")
    }
    return map
  }
}

/// What an image's map is to become, as far as that is not its benign one.
struct MapGoal {
  let map: [Float]
  /// The places of a patch.
  let inside: [Bool]?
  /// The image whose map it is.
  let image: String?
}
