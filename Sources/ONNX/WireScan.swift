/// A walk over the wire format that bounds everything protobuf-c would trust: nesting, counts, lengths, varints, text.
///
/// It also writes a reduced copy of the file: fields outside of the schema are dropped, and the elements of tensors that
/// stand in the file as they would in memory (`raw_data`, `float_data`, `double_data`) are left there and noted as byte
/// ranges. So unpacking costs memory for the structure of the graph only.
struct WireScan {
  /// Bounds on a model. A file beyond them is refused at the byte where it goes beyond.
  enum Limit {
    static let fileBytes = Int(Int32.max)
    static let depth = 100
    static let dimensions = 32
    static let messages: [String: Int] = [
      "NodeProto": 1 << 20, "AttributeProto": 1 << 22, "TensorProto": 1 << 20, "ValueInfoProto": 1 << 20,
      "FunctionProto": 1 << 16, "OperatorSetIdProto": 1 << 10, "StringStringEntryProto": 1 << 22,
    ]
    static let strings = 1 << 24
  }

  /// Where the elements of one tensor stand in the file, in order. They belong to one field.
  struct Payload: Sendable, Equatable {
    enum Field: UInt64, Sendable {
      case floats = 4
      case raw = 9
      case doubles = 10
    }
    let field: Field
    var ranges: [Range<Int>]
  }

  private(set) var reduced: [UInt8] = []
  private(set) var payloads: [Payload] = []
  private let bytes: UnsafeRawBufferPointer
  private let schema = WireSchema.model
  private var counts: [Int]
  private var stringCount = 0

  /// The number of the field, in the reduced copy only, that holds the number of a tensor's payload.
  private static let payloadField: UInt64 = 1000

  init(_ bytes: UnsafeRawBufferPointer) throws(ImportError) {
    self.bytes = bytes
    counts = [Int](repeating: 0, count: schema.messages.count)
    if bytes.count > Limit.fileBytes {
      throw .limitExceeded(offset: Limit.fileBytes, what: "the file has \(bytes.count) bytes", limit: Limit.fileBytes)
    }
    try message(0, 0..<bytes.count, depth: 1)
  }

  private mutating func message(_ index: Int, _ range: Range<Int>, depth: Int) throws(ImportError) {
    let message = schema.messages[index]
    guard depth <= Limit.depth else {
      throw .limitExceeded(offset: range.lowerBound, what: "messages nest \(depth) deep", limit: Limit.depth)
    }
    counts[index] += 1
    if let limit = Limit.messages[message.name], counts[index] > limit {
      throw .limitExceeded(offset: range.lowerBound, what: "more than \(limit) messages \(message.name)", limit: limit)
    }
    let isTensor = message.name == "TensorProto"
    let isShape = message.name == "TensorShapeProto"
    var payload: Payload?
    var dimensions = 0
    var reader = WireReader(bytes, range)
    while !reader.isAtEnd {
      let start = reader.position
      let (number, content) = try reader.field()
      if isTensor, let field = Payload.Field(rawValue: number) {
        try Self.note(field, content, start, into: &payload)
        continue
      }
      if isTensor, number == Self.payloadField { continue }
      guard let field = message.fields.first(where: { $0.number == number }) else { continue }
      dimensions += try check(field, content, of: message.name, at: start, countingDimensions: isTensor || isShape)
      if case .message(let child) = field.kind, case .delimited(let inner) = content {
        try nested(child, number: number, inner, depth: depth + 1)
      } else {
        reduced.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<reader.position]))
      }
      if dimensions > Limit.dimensions {
        throw .limitExceeded(
          offset: start, what: "a tensor has more than \(Limit.dimensions) dimensions", limit: Limit.dimensions)
      }
    }
    if let payload {
      payloads.append(payload)
      appendVarint(Self.payloadField << 3)
      appendVarint(UInt64(payloads.count))
    }
  }

  /// Writes a nested message behind a length of fixed width, filled in when it is known.
  private mutating func nested(_ index: Int, number: UInt64, _ range: Range<Int>, depth: Int) throws(ImportError) {
    appendVarint(number << 3 | 2)
    let header = reduced.count
    reduced.append(contentsOf: [0x80, 0x80, 0x80, 0x80, 0x00])
    try message(index, range, depth: depth)
    var length = reduced.count - header - 5
    for position in header..<(header + 5) {
      reduced[position] |= UInt8(length & 0x7f)
      length >>= 7
    }
  }

  /// Checks that the wire type fits the field, and the content the wire type.
  /// - Returns: how many dimensions the field adds to a tensor.
  private mutating func check(
    _ field: WireSchema.Field, _ content: WireReader.Content, of message: String, at start: Int, countingDimensions: Bool
  ) throws(ImportError) -> Int {
    switch (field.kind, content) {
    case (.varint, .varint): return countingDimensions && field.name == "dims" ? 1 : 0
    case (.fixed32, .fixed32), (.fixed64, .fixed64), (.bytes, .delimited): return 0
    case (.message, .delimited): return countingDimensions && field.name == "dim" ? 1 : 0
    case (.varint, .delimited(let range)) where field.isRepeated:
      var reader = WireReader(bytes, range)
      var count = 0
      while !reader.isAtEnd {
        _ = try reader.varint()
        count += 1
      }
      return countingDimensions && field.name == "dims" ? count : 0
    case (.fixed32, .delimited(let range)) where field.isRepeated && range.count.isMultiple(of: 4): return 0
    case (.fixed64, .delimited(let range)) where field.isRepeated && range.count.isMultiple(of: 8): return 0
    case (.string, .delimited(let range)):
      stringCount += 1
      if stringCount > Limit.strings {
        throw .limitExceeded(offset: start, what: "more than \(Limit.strings) strings", limit: Limit.strings)
      }
      let text = UnsafeRawBufferPointer(rebasing: bytes[range])
      guard !text.contains(0), String(validating: text, as: UTF8.self) != nil else {
        throw .malformed(offset: range.lowerBound, problem: "field \(field.name) of \(message) is no text in UTF-8")
      }
      return 0
    default: throw .malformed(offset: start, problem: "field \(field.name) of \(message) has the wrong wire type")
    }
  }

  /// Notes where elements of a tensor stand, whether packed or one by one.
  private static func note(_ field: Payload.Field, _ content: WireReader.Content, _ start: Int, into payload: inout Payload?)
    throws(ImportError)
  {
    let range: Range<Int>
    switch (field, content) {
    case (.floats, .delimited(let packed)) where packed.count.isMultiple(of: 4): range = packed
    case (.doubles, .delimited(let packed)) where packed.count.isMultiple(of: 8): range = packed
    case (.raw, .delimited(let raw)) where payload == nil: range = raw
    case (.floats, .fixed32(let single)), (.doubles, .fixed64(let single)): range = single
    default: throw .malformed(offset: start, problem: "the elements of a tensor are stored in a wrong form")
    }
    if payload == nil {
      payload = Payload(field: field, ranges: [range])
    } else if payload?.field == field {
      payload?.ranges.append(range)
    } else {
      throw .malformed(offset: start, problem: "a tensor holds its elements in two fields")
    }
  }

  private mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      reduced.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    reduced.append(UInt8(rest))
  }
}
