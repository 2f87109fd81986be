/// Reads the fields of one message, never past its end.
struct WireReader {
  enum Content {
    case varint(UInt64)
    case fixed32(Range<Int>)
    case fixed64(Range<Int>)
    case delimited(Range<Int>)
  }

  private let bytes: UnsafeRawBufferPointer
  private let end: Int
  private(set) var position: Int

  init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { position == end }

  /// The next field: its number and where its content stands.
  mutating func field() throws(ImportError) -> (number: UInt64, content: Content) {
    let start = position
    let key = try varint()
    let number = key >> 3
    guard (1..<(1 << 29)).contains(number) else {
      throw .malformed(offset: start, problem: "field number \(number) is out of range")
    }
    switch key & 7 {
    case 0: return (number, .varint(try varint()))
    case 1: return (number, .fixed64(try take(8, field: number, from: start)))
    case 2:
      let length = try varint()
      return (number, .delimited(try take(length, field: number, from: start)))
    case 5: return (number, .fixed32(try take(4, field: number, from: start)))
    case 3, 4: throw .malformed(offset: start, problem: "field \(number) is a group, which ONNX does not use")
    case let type: throw .malformed(offset: start, problem: "field \(number) has the unknown wire type \(type)")
    }
  }

  mutating func varint() throws(ImportError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      guard position < end else { throw .malformed(offset: start, problem: "a number does not end") }
      let byte = bytes[position]
      position += 1
      if shift == 63, byte > 1 { throw .malformed(offset: start, problem: "a number has more than 64 bits") }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }

  private mutating func take(_ length: UInt64, field: UInt64, from start: Int) throws(ImportError) -> Range<Int> {
    guard length <= UInt64(end - position) else {
      throw .malformed(offset: start, problem: "field \(field) has \(length) bytes, but only \(end - position) are left")
    }
    let range = position..<(position + Int(length))
    position = range.upperBound
    return range
  }
}
