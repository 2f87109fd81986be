import TensorTypes

extension Graph {
  /// Rebuilds the graph node by node, inputs first to last in their order.
  ///
  /// `replace` sees each operation with its operands already rebuilt, and returns the value that stands for it in the new
  /// graph, or nil to keep it. Nodes that become unused stay; RemoveDeadNodes drops them.
  public func rewritten(
    _ replace: (_ node: Node, _ value: Value, _ operands: [Value], _ builder: GraphBuilder) throws(TypeError) -> Value?
  ) throws(TypeError) -> Graph {
    let builder = GraphBuilder(isClosed: isClosed)
    var renamed: [Value] = []
    renamed.reserveCapacity(nodes.count)
    for (index, node) in nodes.enumerated() {
      builder.location = node.location
      switch node.content {
      case .input(let name): renamed.append(builder.input(name, node.type))
      case .constant(let constant): renamed.append(builder.constant(constant.tensor, name: constant.name))
      case .operation(let operation):
        let operands = node.operands.map { renamed[$0.index] }
        if let replacement = try replace(node, Value(index), operands, builder) {
          renamed.append(replacement)
        } else {
          renamed.append(try builder.append(operation, operands))
        }
      }
    }
    return builder.finish(name: name, outputs: outputs.map { ($0.name, renamed[$0.value.index]) })
  }

  public func renamed(_ name: String) -> Graph {
    Graph(name: name, nodes: nodes, inputs: inputs, outputs: outputs, isClosed: isClosed)
  }

  /// The same graph, of which no derivative may be taken any more.
  public func closed() -> Graph { Graph(name: name, nodes: nodes, inputs: inputs, outputs: outputs, isClosed: true) }
}
