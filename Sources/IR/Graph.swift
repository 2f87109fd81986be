import TensorTypes

/// A value of a graph: the result of the node with the same index.
public struct Value: Sendable, Hashable, Comparable {
  public let index: Int
  public init(_ index: Int) { self.index = index }
  public static func < (a: Value, b: Value) -> Bool { a.index < b.index }
}

/// Where a node comes from: the ONNX node, and the transformations that derived it from there.
public struct Location: Sendable, Hashable {
  /// The name of the ONNX node, or of its first output when it has none.
  public var node: String?
  /// The derivative rules and rewrites passed since, outermost last: "pullback of relu".
  public var derivation: String?

  public init(node: String? = nil, derivation: String? = nil) {
    self.node = node
    self.derivation = derivation
  }

  public static let unknown = Location()
}

/// A tensor known when compiling. Names are unique within a graph.
public struct Constant: Sendable, Equatable {
  public let name: String
  public let tensor: HostTensor

  public init(name: String, tensor: HostTensor) {
    self.name = name
    self.tensor = tensor
  }
}

/// One node of a graph, with one result.
public struct Node: Sendable {
  public enum Content: Sendable {
    case input(name: String)
    case constant(Constant)
    case operation(any Operator)
  }

  public let content: Content
  public let operands: [Value]
  public let type: TensorType
  public let location: Location

  public init(_ content: Content, _ operands: [Value], _ type: TensorType, _ location: Location) {
    self.content = content
    self.operands = operands
    self.type = type
    self.location = location
  }

  public var operation: (any Operator)? { if case .operation(let op) = content { op } else { nil } }
  public var constant: HostTensor? { if case .constant(let constant) = content { constant.tensor } else { nil } }
}

/// A typed graph in static single assignment form: nodes in topological order, inputs and outputs by name.
public struct Graph: Sendable {
  public struct Output: Sendable, Hashable {
    public let name: String
    public let value: Value
    public init(name: String, value: Value) {
      self.name = name
      self.value = value
    }
  }

  public let name: String
  public let nodes: [Node]
  /// The values of the input nodes, in the order of the signature.
  public let inputs: [Value]
  public let outputs: [Output]
  /// Whether surrogates were erased, so that no derivative may be taken any more.
  public let isClosed: Bool

  public init(name: String, nodes: [Node], inputs: [Value], outputs: [Output], isClosed: Bool = false) {
    self.name = name
    self.nodes = nodes
    self.inputs = inputs
    self.outputs = outputs
    self.isClosed = isClosed
  }

  public subscript(value: Value) -> Node { nodes[value.index] }
  public var values: [Value] { nodes.indices.map(Value.init) }

  public func name(ofInput value: Value) -> String {
    guard case .input(let name) = self[value].content else { preconditionFailure("%\(value.index) is no input") }
    return name
  }
  public func input(named name: String) -> Value? { inputs.first { self.name(ofInput: $0) == name } }
  public func output(named name: String) -> Value? { outputs.first { $0.name == name }?.value }

  /// For every node, how often it is an operand or an output.
  public var useCounts: [Int] {
    var counts = [Int](repeating: 0, count: nodes.count)
    for node in nodes { for operand in node.operands { counts[operand.index] += 1 } }
    for output in outputs { counts[output.value.index] += 1 }
    return counts
  }
}

/// Graphs are equal when they print alike and hold the same constants.
extension Graph: Hashable {
  public static func == (a: Graph, b: Graph) -> Bool {
    a.text() == b.text() && zip(a.nodes, b.nodes).allSatisfy { $0.constant == $1.constant }
  }
  public func hash(into hasher: inout Hasher) { hasher.combine(text()) }
}
