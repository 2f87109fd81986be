import CZlib

/// The members of a zip archive held in memory, as its central directory lists them (APPNOTE 6.3, zip64 included).
struct ZipReader {
  struct Member: Equatable {
    var name: String
    var isDeflated: Bool
    var checksum: UInt32
    var packedByteCount: Int
    var byteCount: Int
    /// Where the member's own header starts.
    var offset: Int
  }

  private let bytes: [UInt8]
  private let file: String

  init(_ bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  // MARK: The central directory

  func members() throws(ArrayFileError) -> [Member] {
    let directory = try directory()
    var members: [Member] = []
    var offset = directory.range.lowerBound
    while offset < directory.range.upperBound {
      let (member, end) = try member(at: offset, before: directory.range.upperBound)
      members.append(member)
      offset = end
    }
    guard members.count == directory.memberCount else {
      throw .damagedArchive(
        file: file, part: "directory of \(directory.memberCount) members", offset: directory.range.lowerBound)
    }
    return members
  }

  private func directory() throws(ArrayFileError) -> (range: Range<Int>, memberCount: Int) {
    guard let end = endRecord() else { throw .notAnArchive(file: file) }
    var disks = bytes[...].littleEndian(at: end + 4, byteCount: 4)
    var count = bytes[...].littleEndian(at: end + 10, byteCount: 2)
    var size = bytes[...].littleEndian(at: end + 12, byteCount: 4)
    var start = bytes[...].littleEndian(at: end + 16, byteCount: 4)
    if end >= 20, hasSignature(0x0706_4b50, at: end - 20) {
      let wide = bytes[...].littleEndian(at: end - 12, byteCount: 8)
      guard end >= 76, wide <= end - 76, hasSignature(0x0606_4b50, at: wide) else {
        throw .damagedArchive(file: file, part: "zip64 locator", offset: end - 20)
      }
      disks = max(
        bytes[...].littleEndian(at: wide + 16, byteCount: 4), bytes[...].littleEndian(at: wide + 20, byteCount: 4))
      count = bytes[...].littleEndian(at: wide + 32, byteCount: 8)
      size = bytes[...].littleEndian(at: wide + 40, byteCount: 8)
      start = bytes[...].littleEndian(at: wide + 48, byteCount: 8)
    }
    guard disks == 0 else { throw .splitArchive(file: file) }
    guard start <= end, size <= end - start else { throw .damagedArchive(file: file, part: "directory", offset: start) }
    return (start..<start + size, count)
  }

  /// The end record is the last thing in the file but for a comment of at most 65,535 bytes.
  private func endRecord() -> Int? {
    guard bytes.count >= 22 else { return nil }
    for offset in stride(from: bytes.count - 22, through: max(0, bytes.count - 22 - 65_535), by: -1)
    where hasSignature(0x0605_4b50, at: offset)
      && bytes[...].littleEndian(at: offset + 20, byteCount: 2) == bytes.count - offset - 22
    {
      return offset
    }
    return nil
  }

  private func member(at offset: Int, before limit: Int) throws(ArrayFileError) -> (Member, end: Int) {
    let damaged = ArrayFileError.damagedArchive(file: file, part: "directory entry", offset: offset)
    guard limit - offset >= 46, hasSignature(0x0201_4b50, at: offset) else { throw damaged }
    let nameLength = bytes[...].littleEndian(at: offset + 28, byteCount: 2)
    let extraLength = bytes[...].littleEndian(at: offset + 30, byteCount: 2)
    let commentLength = bytes[...].littleEndian(at: offset + 32, byteCount: 2)
    let end = offset + 46 + nameLength + extraLength + commentLength
    guard end <= limit else { throw damaged }
    let nameEnd = offset + 46 + nameLength
    guard let name = String(validating: bytes[offset + 46..<nameEnd], as: UTF8.self) else { throw damaged }
    let flags = bytes[...].littleEndian(at: offset + 8, byteCount: 2)
    guard flags & 0x2041 == 0 else { throw .unsupportedMember(file: file, member: name, feature: "encryption") }
    let method = bytes[...].littleEndian(at: offset + 10, byteCount: 2)
    guard method == 0 || method == 8 else {
      throw .unsupportedMember(file: file, member: name, feature: "compression method \(method)")
    }
    var member = Member(
      name: name, isDeflated: method == 8, checksum: UInt32(bytes[...].littleEndian(at: offset + 16, byteCount: 4)),
      packedByteCount: bytes[...].littleEndian(at: offset + 20, byteCount: 4),
      byteCount: bytes[...].littleEndian(at: offset + 24, byteCount: 4),
      offset: bytes[...].littleEndian(at: offset + 42, byteCount: 4))
    try widen(&member, from: bytes[nameEnd..<nameEnd + extraLength], damaged)
    return (member, end)
  }

  /// Sizes that do not fit 32 bits read 0xFFFFFFFF and stand in extra field 1, in this order.
  private func widen(_ member: inout Member, from extra: ArraySlice<UInt8>, _ damaged: ArrayFileError)
    throws(ArrayFileError)
  {
    let saturated = 0xFFFF_FFFF
    guard member.byteCount == saturated || member.packedByteCount == saturated || member.offset == saturated else { return }
    var fields = extra
    while fields.count >= 4 {
      let length = fields.littleEndian(at: 2, byteCount: 2)
      guard length <= fields.count - 4 else { throw damaged }
      defer { fields = fields.dropFirst(4 + length) }
      guard fields.littleEndian(at: 0, byteCount: 2) == 1 else { continue }
      var values = fields.dropFirst(4).prefix(length)
      for path in [\Member.byteCount, \Member.packedByteCount, \Member.offset] where member[keyPath: path] == saturated {
        guard values.count >= 8 else { throw damaged }
        member[keyPath: path] = values.littleEndian(at: 0, byteCount: 8)
        values = values.dropFirst(8)
      }
      return
    }
    throw damaged
  }

  private func hasSignature(_ signature: Int, at offset: Int) -> Bool {
    bytes[...].littleEndian(at: offset, byteCount: 4) == signature
  }

  // MARK: Contents

  /// The member's bytes, unpacked and checked.
  func contents(of member: Member) throws(ArrayFileError) -> ArraySlice<UInt8> {
    let damaged = ArrayFileError.damagedArchive(file: file, part: "member '\(member.name)'", offset: member.offset)
    guard member.offset <= bytes.count - 30, hasSignature(0x0403_4b50, at: member.offset) else { throw damaged }
    let start =
      member.offset + 30 + bytes[...].littleEndian(at: member.offset + 26, byteCount: 2)
      + bytes[...].littleEndian(at: member.offset + 28, byteCount: 2)
    guard start <= bytes.count, member.packedByteCount <= bytes.count - start else { throw damaged }
    let packed = bytes[start..<start + member.packedByteCount]
    let contents = member.isDeflated ? try inflated(packed, member) : packed
    guard contents.count == member.byteCount, ZipChecksum.of(contents) == member.checksum else {
      throw .damagedMember(file: file, member: member.name)
    }
    return contents
  }

  private func inflated(_ packed: ArraySlice<UInt8>, _ member: Member) throws(ArrayFileError) -> ArraySlice<UInt8> {
    let damaged = ArrayFileError.damagedMember(file: file, member: member.name)
    // Deflate packs at most 1032 bytes into one: a larger claim is false, and no memory is taken for it.
    guard member.byteCount / 1032 <= packed.count else { throw damaged }
    var stream = z_stream()
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { throw damaged }
    defer { inflateEnd(&stream) }
    var status = Z_OK
    let contents = [UInt8](unsafeUninitializedCapacity: member.byteCount) { output, count in
      packed.withUnsafeBytes { input in
        let chunk = 1 << 30  // zlib counts in 32 bits.
        var consumed = 0
        repeat {
          let given = min(chunk, input.count - consumed)
          let room = min(chunk, output.count - count)
          stream.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.advanced(by: consumed).assumingMemoryBound(to: UInt8.self))
          stream.avail_in = UInt32(given)
          stream.next_out = output.baseAddress?.advanced(by: count)
          stream.avail_out = UInt32(room)
          status = inflate(&stream, Z_NO_FLUSH)
          consumed += given - Int(stream.avail_in)
          count += room - Int(stream.avail_out)
        } while status == Z_OK
      }
    }
    guard status == Z_STREAM_END else { throw damaged }
    return contents[...]
  }
}

/// The CRC-32 that zip archives carry.
enum ZipChecksum {
  static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.withUnsafeBufferPointer { UInt32(crc32_z(0, $0.baseAddress, $0.count)) }
  }
}
