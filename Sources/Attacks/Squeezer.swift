import Images
import TensorTypes

/// A filter that takes detail away, so that a prediction which rests on it changes (Xu, Evans and Qi 2018, "Feature Squeezing").
public enum Squeezer: Sendable, Hashable {
  /// So many bits for each value, 1 to 7.
  case bits(Int)
  /// The median of so many by so many pixels, 2 or 3.
  case median(Int)
  /// Non-local means 11-3-4.
  case nonLocalMeans

  /// bits1 to bits7, median2, median3 or nlm.
  public init?(name: String) {
    switch name {
    case "nlm": self = .nonLocalMeans
    case "median2", "median3": self = .median(name == "median2" ? 2 : 3)
    default:
      guard name.hasPrefix("bits"), let bits = Int(name.dropFirst(4)), (1...7).contains(bits), name == "bits\(bits)" else {
        return nil
      }
      self = .bits(bits)
    }
  }

  public static let accepted = "bits1 to bits7, median2, median3 and nlm"

  public var name: String {
    switch self {
    case .bits(let bits): "bits\(bits)"
    case .median(let size): "median\(size)"
    case .nonLocalMeans: "nlm"
    }
  }

  /// Squeezed images.
  /// - Parameters:
  ///   - levels: 8-bit levels, NCHW; three channels are red, green and blue.
  ///   - shape: [B, C, H, W]
  /// - Returns: pixels in [0, 1].
  public func squeezed(_ levels: [UInt8], shape: Shape) -> [Float] {
    let area = shape[2] * shape[3]
    func plane(_ first: Int) -> Range<Int> { first..<first + area }
    let starts = stride(from: 0, to: levels.count, by: area)
    switch self {
    case .bits(let bits): return reducedToBits(pixels(levels), bits: bits)
    case .median(let size):
      let x = pixels(levels)
      return starts.flatMap { medianFiltered(Array(x[plane($0)]), height: shape[2], width: shape[3], size: size) }
    case .nonLocalMeans:
      let together = shape[1] == 3 ? 3 : 1
      return stride(from: 0, to: levels.count, by: together * area).flatMap { first in
        let planes = (0..<together).map { Array(levels[plane(first + $0 * area)]) }
        return NonLocalMeans.denoised(planes, height: shape[2], width: shape[3]).flatMap { pixels($0) }
      }
    }
  }
}

extension Squeezer: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let squeezer = Squeezer(name: name) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "there is no squeezer '\(name)'; \(Self.accepted) are known")
    }
    self = squeezer
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}
