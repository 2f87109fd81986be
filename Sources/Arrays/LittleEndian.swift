extension ArraySlice<UInt8> {
  /// The unsigned integer of `byteCount` bytes, `offset` bytes after the start of the slice.
  /// - Precondition: the slice holds those bytes. An integer above `Int.max` reads as `Int.max`, which fits no file.
  func littleEndian(at offset: Int, byteCount: Int) -> Int {
    var value: UInt64 = 0
    for index in stride(from: byteCount - 1, through: 0, by: -1) {
      value = value << 8 | UInt64(self[startIndex + offset + index])
    }
    return Int(clamping: value)
  }
}

extension [UInt8] {
  mutating func appendLittleEndian(_ value: Int, byteCount: Int) {
    for index in 0..<byteCount { append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }
}
