import TensorTypes

/// Text that is no graph, or names an unknown operator or constant.
public struct ParseError: Error, Sendable, CustomStringConvertible {
  public let line: Int
  public let problem: String
  public var description: String { "line \(line): \(problem)" }
}

/// Makes an operator from its attributes; one entry for each mnemonic.
public typealias OperatorCatalog = [String: @Sendable (Attributes) throws -> any Operator]

extension Graph {
  /// Reads the text form.
  /// - Parameter constants: the tensors of the constants that the text only names.
  public init(parsing text: String, catalog: OperatorCatalog, constants: [String: HostTensor] = [:]) throws {
    var parser = GraphParser(scanner: Scanner(text), catalog: catalog, constants: constants)
    let isClosed = parser.scanner.accept("closed")
    try parser.scanner.expect("graph")
    let graph = try parser.graph()
    self = isClosed ? graph.closed() : graph
    try verify()
  }
}

private struct GraphParser {
  var scanner: Scanner
  let catalog: OperatorCatalog
  let constants: [String: HostTensor]

  mutating func graph() throws -> Graph {
    try scanner.expect("@")
    let name = try scanner.name()
    var inputs: [(name: String, type: TensorType)] = []
    try scanner.list("(", ")") { scanner in
      try scanner.expect("%")
      let name = try scanner.name()
      try scanner.expect(":")
      inputs.append((name, try scanner.type()))
    }
    try scanner.expect("->")
    var outputNames: [String] = []
    try scanner.list("(", ")") { scanner in
      outputNames.append(try scanner.name())
      try scanner.expect(":")
      _ = try scanner.type()
    }
    try scanner.expect("{")

    // Input nodes carry no line of their own: they fill the numbers that the operations leave out, in signature order.
    var nodes: [Node] = []
    var inputValues: [Value] = []
    func appendNextInput() {
      let input = inputs[inputValues.count]
      inputValues.append(Value(nodes.count))
      nodes.append(Node(.input(name: input.name), [], input.type, .unknown))
    }
    func value(_ scanner: inout Scanner) throws -> Value {
      try scanner.expect("%")
      if let number = scanner.number() { return Value(number) }
      let name = try scanner.name()
      while !inputs.prefix(inputValues.count).contains(where: { $0.name == name }) {
        if inputValues.count == inputs.count { throw scanner.error("unknown value %\(name)") }
        appendNextInput()
      }
      return inputValues[inputs.firstIndex { $0.name == name }!]
    }

    while !scanner.accept("return") {
      try scanner.expect("%")
      guard let number = scanner.number() else { throw scanner.error("expected a value number") }
      while nodes.count < number {
        if inputValues.count == inputs.count { throw scanner.error("%\(number) follows %\(nodes.count - 1)") }
        appendNextInput()
      }
      try scanner.expect("=")
      let mnemonic = try scanner.name()
      if mnemonic == "constant" {
        nodes.append(try constant())
      } else {
        var operands: [Value] = []
        try scanner.list("(", ")") { scanner in operands.append(try value(&scanner)) }
        let attributes = try self.attributes()
        try scanner.expect(":")
        let type = try scanner.type()
        guard let make = catalog[mnemonic] else { throw scanner.error("unknown operator \(mnemonic)") }
        nodes.append(Node(.operation(try make(attributes)), operands, type, try scanner.location()))
      }
    }
    while inputValues.count < inputs.count { appendNextInput() }
    var outputs: [Graph.Output] = []
    for (index, name) in outputNames.enumerated() {
      if index > 0 { try scanner.expect(",") }
      outputs.append(Graph.Output(name: name, value: try value(&scanner)))
    }
    try scanner.expect("}")
    return Graph(name: name, nodes: nodes, inputs: inputValues, outputs: outputs)
  }

  private mutating func constant() throws -> Node {
    try scanner.expect("@")
    let name = try scanner.name()
    var literal: [String]?
    if scanner.next == "[" {
      var words: [String] = []
      try scanner.list("[", "]") { scanner in words.append(try scanner.word()) }
      literal = words
    }
    try scanner.expect(":")
    let type = try scanner.type()
    let tensor: HostTensor
    if let known = constants[name] {
      tensor = known
    } else if let literal {
      tensor = try self.tensor(literal, type)
    } else {
      throw scanner.error("no tensor for constant @\(name)")
    }
    return Node(.constant(Constant(name: name, tensor: tensor)), [], type, .unknown)
  }

  private func tensor(_ words: [String], _ type: TensorType) throws -> HostTensor {
    guard words.count == type.shape.elementCount else { throw scanner.error("\(words.count) elements for \(type)") }
    func read<Element>(_ parse: (String) -> Element?) throws -> [Element] {
      try words.map { word in
        guard let element = parse(word) else { throw scanner.error("\(word) is no element of \(type)") }
        return element
      }
    }
    return switch type.element {
    case .float32, .float64: HostTensor(type, .double(try read(Double.init)))
    case .int32, .int64: HostTensor(type, .integer(try read { Int64($0) }))
    case .boolean: HostTensor(type, .boolean(try read(Bool.init)))
    }
  }

  private mutating func attributes() throws -> Attributes {
    var entries: [(String, AttributeValue)] = []
    guard scanner.next == "{" else { return Attributes([]) }
    try scanner.expect("{")
    while !scanner.accept("}") {
      if !entries.isEmpty { try scanner.expect(",") }
      let name = try scanner.name()
      try scanner.expect("=")
      entries.append((name, try attributeValue()))
    }
    return Attributes(entries)
  }

  private mutating func attributeValue() throws -> AttributeValue {
    switch scanner.next {
    case "[":
      var values: [Int] = []
      try scanner.list("[", "]") { scanner in
        guard let value = Int(try scanner.word()) else { throw scanner.error("expected an integer") }
        values.append(value)
      }
      return .integers(values)
    case "@": return .body(try graph())
    default:
      let word = try scanner.word()
      if let value = Int(word) { return .integer(value) }
      if let flag = Bool(word) { return .flag(flag) }
      if word.first?.isNumber == true || word.first == "-", let value = Double(word) { return .number(value) }
      return .word(word)
    }
  }
}

/// Tokens of the text form, scalar by scalar: a name may begin or end in one that would join the quote beside it.
private struct Scanner {
  private let scalars: [Unicode.Scalar]
  private var position = 0

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  func error(_ problem: String) -> ParseError {
    ParseError(line: 1 + scalars[..<min(position, scalars.count)].count { $0 == "\n" }, problem: problem)
  }

  private func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String { String(String.UnicodeScalarView(scalars)) }

  private mutating func skipSpace() {
    while position < scalars.count, scalars[position].properties.isWhitespace { position += 1 }
  }

  /// The next character that is no space.
  var next: Unicode.Scalar? {
    mutating get {
      skipSpace()
      return position < scalars.count ? scalars[position] : nil
    }
  }

  mutating func accept(_ token: String) -> Bool {
    skipSpace()
    let token = Array(token.unicodeScalars)
    guard scalars[position...].starts(with: token) else { return false }
    position += token.count
    return true
  }

  mutating func expect(_ token: String) throws {
    if !accept(token) { throw error("expected \(token)") }
  }

  mutating func list(_ open: String, _ close: String, _ element: (inout Scanner) throws -> Void) throws {
    try expect(open)
    var first = true
    while !accept(close) {
      if !first { try expect(",") }
      first = false
      try element(&self)
    }
  }

  /// Digits, if they come next without a space.
  mutating func number() -> Int? {
    let digits = scalars[position...].prefix { ("0"..."9").contains($0) }
    guard !digits.isEmpty else { return nil }
    position += digits.count
    return Int(text(digits))
  }

  mutating func word() throws -> String {
    skipSpace()
    let word = scalars[position...].prefix { !$0.properties.isWhitespace && !",]}):".unicodeScalars.contains($0) }
    if word.isEmpty { throw error("expected a word") }
    position += word.count
    return text(word)
  }

  mutating func name() throws -> String {
    skipSpace()
    guard position < scalars.count else { throw error("expected a name") }
    if scalars[position] != "\"" {
      let name = scalars[position...].prefix(while: isPlain)
      if name.isEmpty { throw error("expected a name") }
      position += name.count
      return text(name)
    }
    position += 1
    var name = String.UnicodeScalarView()
    while true {
      guard position < scalars.count else { throw error("a quoted name does not end") }
      let scalar = scalars[position]
      position += 1
      switch scalar {
      case "\"": return String(name)
      case "\\":
        guard position < scalars.count else { throw error("a quoted name does not end") }
        let escaped = scalars[position]
        position += 1
        guard escaped == "u" else {
          name.append(escaped)
          continue
        }
        try expect("{")
        let digits = text(scalars[position...].prefix { $0 != "}" })
        position += digits.count
        try expect("}")
        guard let code = UInt32(digits, radix: 16), let control = Unicode.Scalar(code) else {
          throw error("\\u{\(digits)} is no character")
        }
        name.append(control)
      default: name.append(scalar)
      }
    }
  }

  mutating func type() throws -> TensorType {
    let word = try name()
    guard let element = ElementType(rawValue: word) else { throw error("unknown element type \(word)") }
    var extents: [Int] = []
    try list("[", "]") { scanner in
      guard let extent = Int(try scanner.word()) else { throw scanner.error("expected an extent") }
      extents.append(extent)
    }
    return TensorType(element, Shape(extents))
  }

  /// The comment behind an operation: `// node; derivation`.
  mutating func location() throws -> Location {
    while position < scalars.count, scalars[position] == " " { position += 1 }
    guard scalars[min(position, scalars.count)...].starts(with: "// ".unicodeScalars) else { return .unknown }
    position += 3
    var location = Location.unknown
    if position < scalars.count, scalars[position] != ";" { location.node = try name() }
    if position < scalars.count, scalars[position] == ";" {
      position = min(position + 2, scalars.count)
      let rest = scalars[position...].prefix { $0 != "\n" }
      position += rest.count
      location.derivation = text(rest)
    }
    return location
  }
}
