import TensorTypes

extension Image {
  /// The image as f32[3,H,W] in [0,1]: each value is the level divided by 255 in f32.
  public var tensor: HostTensor {
    HostTensor([3, height, width], planes)
  }

  /// Images of one size as f32[N,3,H,W] in [0,1].
  /// - Throws: `ImageError.unequalSizes`; `ImageError.invalidTensor` for no image at all.
  public static func batch(_ images: [Image]) throws(ImageError) -> HostTensor {
    guard let first = images.first else { throw .invalidTensor(type: "a batch of no images", expected: "a batch") }
    for image in images where image.width != first.width || image.height != first.height {
      throw .unequalSizes(expected: "\(first.width) x \(first.height)", found: "\(image.width) x \(image.height)")
    }
    return HostTensor([images.count, 3, first.height, first.width], images.flatMap(\.planes))
  }

  /// Image `index` of a tensor [3,H,W] or [N,3,H,W] of values in [0,1].
  ///
  /// level = round(255 v), halves away from zero, cut to 0...255: a tensor made from an image gives that image again.
  /// - Throws: `ImageError.invalidTensor`, `ImageError.notFinite`.
  public init(_ tensor: HostTensor, index: Int = 0) throws(ImageError) {
    let extents = tensor.shape.extents
    let count = extents.count == 4 ? extents[0] : 1
    guard extents.count == 3 || extents.count == 4, tensor.type.element.isFloatingPoint, tensor.shape.elementCount > 0,
      extents[extents.count - 3] == 3, (0..<count).contains(index)
    else {
      throw .invalidTensor(
        type: tensor.type.description, expected: "f32[3,H,W] or f32[N,3,H,W] with an image \(index)")
    }
    let height = extents[extents.count - 2]
    let width = extents[extents.count - 1]
    let area = height * width
    guard area <= Self.largestPixelCount else { throw .invalidSize(width: width, height: height) }
    let values = tensor.floats
    let start = index * 3 * area
    if let offset = values[start..<start + 3 * area].firstIndex(where: { !$0.isFinite }) { throw .notFinite(index: offset) }
    var pixels = [UInt8](repeating: 0, count: 3 * area)
    for channel in 0..<3 {
      for position in 0..<area {
        let level: Float = (values[start + channel * area + position] * 255).rounded()
        pixels[position * 3 + channel] = UInt8(max(0, min(255, level)))
      }
    }
    self.init(width: width, height: height, pixels: pixels)
  }

  /// The levels over 255, one channel after the other.
  private var planes: [Float] {
    let area = width * height
    return [Float](unsafeUninitializedCapacity: 3 * area) { planes, count in
      for channel in 0..<3 {
        for position in 0..<area { planes[channel * area + position] = Float(pixels[position * 3 + channel]) / 255 }
      }
      count = 3 * area
    }
  }
}
