/// How a photo of any size becomes the size that a network takes.
public enum ResizeRule: Sendable, Equatable, Codable {
  /// The shorter side becomes `side`, the other keeps the proportion, and the centre is cut out.
  case shorterSide(Int, Interpolation)
  /// Both sides are resized to the wanted size; the proportion is lost.
  case exact(Interpolation)

  public var interpolation: Interpolation {
    switch self {
    case .shorterSide(_, let interpolation), .exact(let interpolation): interpolation
    }
  }
}

extension Image {
  /// The image at `width` x `height` by `rule`.
  ///
  /// For a shorter side of S: k = S / min(w, h), sizes round(w k) and round(h k) with halves to even, and a crop whose
  /// left edge is ⌊(w - width) / 2⌋.
  /// - Throws: `ImageError.cropOutside` when the shorter side is less than the crop; `ImageError.invalidSize`.
  public func resized(width: Int, height: Int, by rule: ResizeRule) throws(ImageError) -> Image {
    switch rule {
    case .exact(let interpolation):
      return try resized(width: width, height: height, interpolation: interpolation)
    case .shorterSide(let side, let interpolation):
      let factor: Double = Double(side) / Double(min(self.width, self.height))
      let scaledWidth: Double = (Double(self.width) * factor).rounded(.toNearestOrEven)
      let scaledHeight: Double = (Double(self.height) * factor).rounded(.toNearestOrEven)
      let scaled = try resized(
        width: Int(clamping: scaledWidth), height: Int(clamping: scaledHeight), interpolation: interpolation)
      guard scaled.width >= width, scaled.height >= height else {
        throw .cropOutside(width: scaled.width, height: scaled.height, cropWidth: width, cropHeight: height)
      }
      return try scaled.cropped(
        left: (scaled.width - width) / 2, top: (scaled.height - height) / 2, width: width, height: height)
    }
  }
}

extension Int {
  /// A finite value cut to what `Int` holds.
  fileprivate init(clamping value: Double) { self = Int(Swift.max(-1e15, Swift.min(1e15, value))) }
}
