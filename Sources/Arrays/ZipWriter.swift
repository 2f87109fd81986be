/// Builds a zip archive of stored members. The bytes depend on the members alone: every date reads 1 January 1980.
struct ZipWriter {
  /// The first size, offset or half of a count that needs zip64.
  static let zip64Boundary: Int = 0xFFFF_FFFF

  private struct Entry {
    var name: [UInt8]
    var checksum: UInt32
    var byteCount: Int
    var offset: Int
  }

  private let boundary: Int
  private var bytes: [UInt8] = []
  private var entries: [Entry] = []

  /// - Parameter boundary: sizes from here on are written as zip64; tests lower it.
  init(zip64From boundary: Int) { self.boundary = boundary }

  mutating func append(_ contents: [UInt8], named name: String) {
    let entry = Entry(
      name: Array(name.utf8), checksum: ZipChecksum.of(contents[...]), byteCount: contents.count, offset: bytes.count)
    let isWide = entry.byteCount >= boundary
    bytes.reserveCapacity(bytes.count + contents.count + 1024)
    bytes.appendLittleEndian(0x0403_4b50, byteCount: 4)
    appendCommonFields(entry, isWide: isWide, extraLength: isWide ? 20 : 0)
    bytes += entry.name
    if isWide { appendWideField([entry.byteCount, entry.byteCount]) }
    bytes += contents
    entries.append(entry)
  }

  /// The archive with its central directory.
  mutating func finished() -> [UInt8] {
    let start = bytes.count
    for entry in entries { appendDirectoryEntry(entry) }
    appendEnd(start: start, size: bytes.count - start)
    return bytes
  }

  private mutating func appendDirectoryEntry(_ entry: Entry) {
    let hasWideSize = entry.byteCount >= boundary
    let hasWideOffset = entry.offset >= boundary
    let wide = (hasWideSize ? [entry.byteCount, entry.byteCount] : []) + (hasWideOffset ? [entry.offset] : [])
    bytes.appendLittleEndian(0x0201_4b50, byteCount: 4)
    bytes.appendLittleEndian(0x0300 | (wide.isEmpty ? 20 : 45), byteCount: 2)
    appendCommonFields(entry, isWide: hasWideSize, extraLength: wide.isEmpty ? 0 : 4 + 8 * wide.count)
    bytes.appendLittleEndian(0, byteCount: 6)  // comment length, disk, internal attributes
    bytes.appendLittleEndian(0o100644 << 16, byteCount: 4)
    bytes.appendLittleEndian(hasWideOffset ? 0xFFFF_FFFF : entry.offset, byteCount: 4)
    bytes += entry.name
    if !wide.isEmpty { appendWideField(wide) }
  }

  /// The fields from "version needed" to "extra length" that both kinds of header share.
  private mutating func appendCommonFields(_ entry: Entry, isWide: Bool, extraLength: Int) {
    let isASCII = entry.name.allSatisfy { $0 < 0x80 }
    bytes.appendLittleEndian(extraLength > 0 ? 45 : 20, byteCount: 2)
    bytes.appendLittleEndian(isASCII ? 0 : 0x0800, byteCount: 2)  // flag 11: the name is UTF-8
    bytes.appendLittleEndian(0, byteCount: 2)  // stored
    bytes.appendLittleEndian(0x0021_0000, byteCount: 4)  // 1980-01-01 00:00
    bytes.appendLittleEndian(Int(entry.checksum), byteCount: 4)
    for _ in 0..<2 { bytes.appendLittleEndian(isWide ? 0xFFFF_FFFF : entry.byteCount, byteCount: 4) }
    bytes.appendLittleEndian(entry.name.count, byteCount: 2)
    bytes.appendLittleEndian(extraLength, byteCount: 2)
  }

  private mutating func appendWideField(_ values: [Int]) {
    bytes.appendLittleEndian(1, byteCount: 2)
    bytes.appendLittleEndian(8 * values.count, byteCount: 2)
    for value in values { bytes.appendLittleEndian(value, byteCount: 8) }
  }

  private mutating func appendEnd(start: Int, size: Int) {
    let isWide = start >= boundary || size >= boundary || entries.count >= min(boundary, 0xFFFF)
    if isWide {
      let record = bytes.count
      bytes.appendLittleEndian(0x0606_4b50, byteCount: 4)
      bytes.appendLittleEndian(44, byteCount: 8)
      bytes.appendLittleEndian(0x0300 | 45, byteCount: 2)
      bytes.appendLittleEndian(45, byteCount: 2)
      bytes.appendLittleEndian(0, byteCount: 8)
      for value in [entries.count, entries.count, size, start] { bytes.appendLittleEndian(value, byteCount: 8) }
      bytes.appendLittleEndian(0x0706_4b50, byteCount: 4)
      bytes.appendLittleEndian(0, byteCount: 4)
      bytes.appendLittleEndian(record, byteCount: 8)
      bytes.appendLittleEndian(1, byteCount: 4)
    }
    bytes.appendLittleEndian(0x0605_4b50, byteCount: 4)
    bytes.appendLittleEndian(0, byteCount: 4)
    for _ in 0..<2 { bytes.appendLittleEndian(isWide ? 0xFFFF : entries.count, byteCount: 2) }
    bytes.appendLittleEndian(isWide ? 0xFFFF_FFFF : size, byteCount: 4)
    bytes.appendLittleEndian(isWide ? 0xFFFF_FFFF : start, byteCount: 4)
    bytes.appendLittleEndian(0, byteCount: 2)
  }
}
