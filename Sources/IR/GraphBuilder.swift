import TensorTypes

/// Builds a graph node by node; every node is typed when appended.
public final class GraphBuilder {
  public private(set) var nodes: [Node] = []
  public private(set) var inputs: [Value] = []
  /// The location given to the nodes that are appended next.
  public var location = Location.unknown
  /// Whether the graph is closed: no derivative may be appended.
  public var isClosed: Bool
  private var scalars: [ScalarKey: Value] = [:]
  private var constantNames: Set<String> = []
  private var nextConstantSuffix: [String: Int] = [:]

  private struct ScalarKey: Hashable {
    let bits: UInt64
    let element: ElementType
  }

  public init(isClosed: Bool = false) { self.isClosed = isClosed }

  /// A builder that goes on from an existing graph, whose values stay valid.
  public init(continuing graph: Graph) {
    nodes = graph.nodes
    inputs = graph.inputs
    isClosed = graph.isClosed
    for node in nodes { if case .constant(let constant) = node.content { constantNames.insert(constant.name) } }
  }

  public func type(of value: Value) -> TensorType { nodes[value.index].type }
  public func shape(of value: Value) -> Shape { nodes[value.index].type.shape }

  public func input(_ name: String, _ type: TensorType) -> Value {
    let value = push(Node(.input(name: name), [], type, location))
    inputs.append(value)
    return value
  }

  /// Appends a constant; a name already taken by another constant gets a numbered suffix.
  public func constant(_ tensor: HostTensor, name: String = "constant") -> Value {
    var unique = name
    while !constantNames.insert(unique).inserted {
      let suffix = nextConstantSuffix[name, default: 1]
      nextConstantSuffix[name] = suffix + 1
      unique = "\(name).\(suffix)"
    }
    return push(Node(.constant(Constant(name: unique, tensor: tensor)), [], tensor.type, location))
  }

  /// A constant of rank 0, shared by all its uses.
  public func scalar(_ number: Double, _ element: ElementType = .float32) -> Value {
    let key = ScalarKey(bits: number.bitPattern, element: element)
    if let known = scalars[key] { return known }
    let value = constant(.scalar(number, element), name: "scalar")
    scalars[key] = value
    return value
  }

  /// Appends an operation.
  /// - Throws: the type error of the operator.
  @discardableResult
  public func append(_ operation: any Operator, _ operands: [Value]) throws(TypeError) -> Value {
    let type = try operation.resultType(of: operands.map { self.type(of: $0) })
    return push(Node(.operation(operation), operands, type, location))
  }

  /// Runs `body` with another location for the nodes it appends.
  public func at<Result>(_ location: Location, _ body: () throws(TypeError) -> Result) throws(TypeError) -> Result {
    let outer = self.location
    self.location = location
    defer { self.location = outer }
    return try body()
  }

  public func finish(name: String, outputs: [(String, Value)]) -> Graph {
    Graph(
      name: name, nodes: nodes, inputs: inputs, outputs: outputs.map { Graph.Output(name: $0.0, value: $0.1) },
      isClosed: isClosed)
  }

  private func push(_ node: Node) -> Value {
    nodes.append(node)
    return Value(nodes.count - 1)
  }
}
