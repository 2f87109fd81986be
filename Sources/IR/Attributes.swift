/// One attribute of an operator.
public enum AttributeValue: Sendable, Hashable, CustomStringConvertible {
  case integer(Int)
  case integers([Int])
  case number(Double)
  case word(String)
  case flag(Bool)
  /// The body of a fused operator.
  case body(Graph)

  public var description: String {
    switch self {
    case .integer(let value): String(value)
    case .integers(let values): "[" + values.map(String.init).joined(separator: ", ") + "]"
    case .number(let value): value.description
    case .word(let word): word
    case .flag(let flag): flag ? "true" : "false"
    case .body(let graph): graph.text(nested: true)
    }
  }
}

/// Named attributes in the order in which they are printed.
public struct Attributes: Sendable, Hashable, ExpressibleByDictionaryLiteral, CustomStringConvertible {
  public var entries: [Entry]

  public struct Entry: Sendable, Hashable {
    public let name: String
    public let value: AttributeValue
  }

  public init(_ entries: [(String, AttributeValue)]) { self.entries = entries.map { Entry(name: $0.0, value: $0.1) } }
  public init(dictionaryLiteral elements: (String, AttributeValue)...) { self.init(elements) }

  public subscript(name: String) -> AttributeValue? { entries.first { $0.name == name }?.value }

  public var description: String {
    entries.isEmpty ? "" : "{" + entries.map { "\($0.name) = \($0.value)" }.joined(separator: ", ") + "}"
  }
}

/// An attribute that is missing or of another kind, met while parsing.
public struct AttributeError: Error, Sendable, CustomStringConvertible {
  public let name: String
  public let expected: String

  public init(name: String, expected: String) {
    self.name = name
    self.expected = expected
  }

  public var description: String { "attribute \(name): expected \(expected)" }
}

extension Attributes {
  public func integer(_ name: String) throws(AttributeError) -> Int {
    guard case .integer(let value) = self[name] else { throw AttributeError(name: name, expected: "an integer") }
    return value
  }
  public func integers(_ name: String) throws(AttributeError) -> [Int] {
    guard case .integers(let value) = self[name] else { throw AttributeError(name: name, expected: "a list of integers") }
    return value
  }
  public func number(_ name: String) throws(AttributeError) -> Double {
    guard case .number(let value) = self[name] else { throw AttributeError(name: name, expected: "a number") }
    return value
  }
  public func word(_ name: String) throws(AttributeError) -> String {
    guard case .word(let value) = self[name] else { throw AttributeError(name: name, expected: "a word") }
    return value
  }
  public func flag(_ name: String) throws(AttributeError) -> Bool {
    guard case .flag(let value) = self[name] else { throw AttributeError(name: name, expected: "true or false") }
    return value
  }
  public func body(_ name: String) throws(AttributeError) -> Graph {
    guard case .body(let value) = self[name] else { throw AttributeError(name: name, expected: "a graph body") }
    return value
  }
}
