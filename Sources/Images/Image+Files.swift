import CImageCodecs
import Files

extension Image {
  /// Reads a PNG or JPEG file; the content decides which, not the name.
  ///
  /// The pixels are those that Pillow's `Image.open(path).convert("RGB")` gives: alpha is dropped, 16-bit colours keep their
  /// high byte, palettes and greys become RGB, CMYK is converted without a profile; gamma, profiles and orientation tags
  /// are ignored. 16-bit greys keep their high byte, which Pillow clips at 255 instead.
  /// - Throws: `ImageError` naming the file.
  public init(contentsOf path: String) throws(ImageError) {
    try self.init(decoding: Self.bytes(ofFile: path), named: path)
  }

  /// Decodes a PNG or JPEG image held in memory; errors call it `source`.
  public init(decoding bytes: [UInt8], named source: String = "image data") throws(ImageError) {
    guard let format = Self.format(of: bytes) else { throw .notAnImage(source: source) }
    guard format == "PNG" || format == "JPEG" else { throw .unsupportedFormat(source: source, format: format) }
    let limit = Self.largestPixelCount
    var result = codecs_result()
    let status = bytes.withUnsafeBufferPointer { buffer in
      format == "PNG"
        ? codecs_decode_png(buffer.baseAddress, buffer.count, UInt64(limit), &result)
        : codecs_decode_jpeg(buffer.baseAddress, buffer.count, UInt64(limit), &result)
    }
    defer { codecs_free(&result) }
    let width = Int(result.width), height = Int(result.height)
    switch status {
    case codecs_ok:
      let pixels = Array(UnsafeBufferPointer(start: result.bytes, count: result.byte_count))
      self.init(width: width, height: height, pixels: pixels)
    case codecs_truncated: throw .truncated(source: source, format: format)
    case codecs_too_large: throw .tooLarge(source: source, width: width, height: height, limit: limit)
    case codecs_out_of_memory: throw .outOfMemory(source: source, width: width, height: height)
    default: throw .damaged(source: source, format: format, reason: Self.message(of: result))
    }
  }

  /// The image as the bytes of an RGB PNG file, the same for the same pixels.
  /// - Throws: `ImageError.outOfMemory`.
  public func encodedPNG() throws(ImageError) -> [UInt8] {
    var result = codecs_result()
    let status = pixels.withUnsafeBufferPointer {
      codecs_encode_png($0.baseAddress, UInt32(width), UInt32(height), &result)
    }
    defer { codecs_free(&result) }
    guard status == codecs_ok else { throw .outOfMemory(source: "PNG data", width: width, height: height) }
    return Array(UnsafeBufferPointer(start: result.bytes, count: result.byte_count))
  }

  /// The format that the first bytes announce, or nil.
  private static func format(of bytes: [UInt8]) -> String? {
    let head = bytes.prefix(16)
    func holds(_ signature: String, at offset: Int = 0) -> Bool { head.dropFirst(offset).starts(with: signature.utf8) }
    if head.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) { return "PNG" }
    if head.starts(with: [0xff, 0xd8, 0xff]) { return "JPEG" }
    if holds("GIF8") { return "GIF" }
    if holds("RIFF") && holds("WEBP", at: 8) { return "WebP" }
    if holds("II*\0") || holds("MM\0*") { return "TIFF" }
    if holds("ftypavif", at: 4) { return "AVIF" }
    if holds("ftyphei", at: 4) || holds("ftypmif1", at: 4) { return "HEIF" }
    if holds("BM") && bytes.count > 26 && head.dropFirst(6).starts(with: [0, 0, 0, 0]) { return "BMP" }
    return nil
  }

  private static func message(of result: codecs_result) -> String {
    withUnsafeBytes(of: result.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  private static func bytes(ofFile path: String) throws(ImageError) -> [UInt8] {
    // No image within the pixel limit needs more than eight bytes a pixel.
    do { return try WholeFile.read(path, limit: 8 * largestPixelCount) } catch {
      throw .unreadableFile(source: path, reason: error.description)
    }
  }
}
