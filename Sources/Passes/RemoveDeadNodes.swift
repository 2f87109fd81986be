import IR

/// Drops every operation and constant that no output depends on. Inputs stay.
public enum RemoveDeadNodes: Pass {
  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    var isLive = [Bool](repeating: false, count: graph.nodes.count)
    for output in graph.outputs { isLive[output.value.index] = true }
    for (index, node) in graph.nodes.enumerated().reversed() where isLive[index] {
      for operand in node.operands { isLive[operand.index] = true }
    }
    let builder = GraphBuilder(isClosed: graph.isClosed)
    var renamed = [Value?](repeating: nil, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      builder.location = node.location
      switch node.content {
      case .input(let name): renamed[index] = builder.input(name, node.type)
      case .constant(let constant) where isLive[index]:
        renamed[index] = builder.constant(constant.tensor, name: constant.name)
      case .operation(let operation) where isLive[index]:
        renamed[index] = try builder.append(operation, node.operands.compactMap { renamed[$0.index] })
      case .constant, .operation: continue
      }
    }
    return builder.finish(
      name: graph.name, outputs: graph.outputs.map { ($0.name, renamed[$0.value.index] ?? $0.value) })
  }
}
