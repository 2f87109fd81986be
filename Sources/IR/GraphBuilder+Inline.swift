extension GraphBuilder {
  /// Appends the nodes of a graph with other values in place of its inputs.
  /// - Returns: for each of its nodes the value here.
  public func inline(_ graph: Graph, inputs: [Value: Value]) throws(TypeError) -> [Value] {
    var renamed: [Value] = []
    renamed.reserveCapacity(graph.nodes.count)
    let outer = location
    defer { location = outer }
    if graph.isClosed { isClosed = true }
    for (index, node) in graph.nodes.enumerated() {
      location = node.location
      switch node.content {
      case .input(let name):
        guard let value = inputs[Value(index)] else { throw TypeError("inline", "input \(name) has no value", [node.type]) }
        renamed.append(value)
      case .constant(let constant): renamed.append(self.constant(constant.tensor, name: constant.name))
      case .operation(let operation): renamed.append(try append(operation, node.operands.map { renamed[$0.index] }))
      }
    }
    return renamed
  }
}
