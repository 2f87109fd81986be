import TensorTypes

/// What the header of an npy array says.
struct NPYHeader: Equatable {
  var type: TensorType
  var fortranOrder: Bool
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
struct NPYHeaderParser {
  private var rest: Substring.UTF8View
  private let file: String
  private let member: String

  init(_ bytes: ArraySlice<UInt8>, file: String, member: String) {
    rest = Substring(decoding: bytes, as: UTF8.self).utf8
    self.file = file
    self.member = member
  }

  mutating func header() throws(ArrayFileError) -> NPYHeader {
    var descr: String?
    var fortranOrder: Bool?
    var extents: [Int]?
    try expect("{")
    while !accept("}") {
      let key = try string()
      try expect(":")
      switch key {
      case "descr": descr = try elementDescription()
      case "fortran_order": fortranOrder = try boolean()
      case "shape": extents = try tuple()
      default: throw malformed("descr, fortran_order or shape", found: "'\(key)'")
      }
      if !accept(",") {
        try expect("}")
        break
      }
    }
    guard let descr else { throw malformed("descr", found: "nothing") }
    guard let fortranOrder else { throw malformed("fortran_order", found: "nothing") }
    guard let extents else { throw malformed("shape", found: "nothing") }
    return NPYHeader(type: TensorType(try element(descr), try shape(extents)), fortranOrder: fortranOrder)
  }

  private func element(_ descr: String) throws(ArrayFileError) -> ElementType {
    switch descr {
    case "<f4": .float32
    case "<f8": .float64
    case "<i4": .int32
    case "<i8": .int64
    case "|b1": .boolean
    default: throw .unsupportedElement(file: file, member: member, descr: descr)
    }
  }

  /// A shape whose products of extents fit `Int`, even those that a zero extent hides.
  private func shape(_ extents: [Int]) throws(ArrayFileError) -> Shape {
    var count = 8
    for extent in extents {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
      if overflow { throw malformed("a shape that fits memory", found: Shape(extents).description) }
      count = product
    }
    guard extents.count <= 64 else { throw malformed("a shape of at most 64 axes", found: "\(extents.count) axes") }
    return Shape(extents)
  }

  private mutating func elementDescription() throws(ArrayFileError) -> String {
    skipSpace()
    guard rest.first != UInt8(ascii: "[") else {
      throw .unsupportedElement(file: file, member: member, descr: "with named fields")
    }
    return try string()
  }

  private mutating func boolean() throws(ArrayFileError) -> Bool {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)] where rest.starts(with: word.utf8) {
      rest = rest.dropFirst(word.utf8.count)
      return value
    }
    throw malformed("True or False", found: next)
  }

  private mutating func tuple() throws(ArrayFileError) -> [Int] {
    var extents: [Int] = []
    try expect("(")
    while !accept(")") {
      skipSpace()
      let digits = Substring(rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
      guard let extent = Int(digits) else { throw malformed("an extent", found: digits.isEmpty ? next : String(digits)) }
      rest = rest.dropFirst(digits.utf8.count)
      _ = accept("L")  // Python 2 wrote long integers so.
      extents.append(extent)
      if !accept(",") {
        try expect(")")
        break
      }
    }
    return extents
  }

  private mutating func string() throws(ArrayFileError) -> String {
    skipSpace()
    guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw malformed("a quoted string", found: next)
    }
    rest = rest.dropFirst()
    guard let end = rest.firstIndex(of: quote) else { throw malformed("a closing quote", found: "the end") }
    defer { rest = rest[rest.index(after: end)...] }
    return String(Substring(rest[..<end]))
  }

  private mutating func accept(_ character: Character) -> Bool {
    skipSpace()
    guard let first = rest.first, first == character.asciiValue else { return false }
    rest = rest.dropFirst()
    return true
  }

  private mutating func expect(_ character: Character) throws(ArrayFileError) {
    guard accept(character) else { throw malformed("'\(character)'", found: next) }
  }

  private mutating func skipSpace() {
    rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
  }

  private var next: String { rest.isEmpty ? "the end" : "'\(Substring(rest).prefix(20))'" }

  private func malformed(_ expected: String, found: String) -> ArrayFileError {
    .malformedHeader(file: file, member: member, expected: expected, found: found)
  }
}
