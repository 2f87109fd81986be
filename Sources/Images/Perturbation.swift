extension Image {
  /// The difference to `original`, made visible: 128 + factor * (level - original level), cut to 0...255.
  ///
  /// Grey means no change; a channel that rose is brighter, one that fell darker.
  /// - Throws: `ImageError.unequalSizes`.
  public func difference(from original: Image, amplifiedBy factor: Int = 10) throws(ImageError) -> Image {
    guard width == original.width, height == original.height else {
      throw .unequalSizes(expected: "\(width) x \(height)", found: "\(original.width) x \(original.height)")
    }
    let levels = zip(pixels, original.pixels).map { level, originalLevel in
      UInt8(clamping: 128 + factor * (Int(level) - Int(originalLevel)))
    }
    return Image(width: width, height: height, pixels: levels)
  }
}
