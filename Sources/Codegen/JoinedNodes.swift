import IR
import Operators
import TensorTypes

/// Nodes of a fused graph that one kernel computes: one, or a convolution and the elementwise nodes that become further
/// outputs of its epilogue.
struct JoinedNodes {
  /// The values of the nodes.
  let members: [Value]
  /// Their operations as one graph, with an output for each member.
  let body: Graph
  /// The values that the nodes read from elsewhere, in the order of the body's inputs.
  let operands: [Value]

  init(_ members: [Value], in graph: Graph) throws(TypeError) {
    let builder = GraphBuilder()
    var operands: [Value] = []
    var inner: [Value: Value] = [:]
    for member in members {
      for operand in graph[member].operands where inner[operand] == nil && !members.contains(operand) {
        inner[operand] = builder.input("x\(operands.count)", graph[operand].type)
        operands.append(operand)
      }
    }
    for member in members {
      let node = graph[member]
      let arguments = node.operands.compactMap { inner[$0] }
      if let fused = node.operation as? Fused {
        let values = try builder.inline(
          fused.body, inputs: Dictionary(zip(fused.body.inputs, arguments)) { first, _ in first })
        inner[member] = values[fused.body.outputs[0].value.index]
      } else if let operation = node.operation {
        builder.location = node.location
        inner[member] = try builder.append(operation, arguments)
      }
    }
    self.members = members
    self.operands = operands
    body = builder.finish(
      name: "region", outputs: members.enumerated().compactMap { number, member in inner[member].map { ("y\(number)", $0) } }
    )
  }
}

extension Graph {
  /// How many nodes after a tile may become its outputs: later ones would fill memory long before they are read.
  private static let reach = 8

  /// The elementwise nodes soon after a node that read it, or that those need, and nothing that is not known before it.
  func elementwiseFollowers(of tile: Value) -> [Value] {
    let following = (tile.index + 1..<nodes.count).lazy.map(Value.init).filter { self[$0].operation != nil }
    var candidates: [Value] = []
    for value in following.prefix(Self.reach) where self[value].type == self[tile].type && isElementwise(value) {
      let isKnown = self[value].operands.allSatisfy { operand in
        operand.index <= tile.index || self[operand].constant != nil || candidates.contains(operand)
      }
      if isKnown { candidates.append(value) }
    }
    var reading: Set<Value> = [tile]
    for candidate in candidates where self[candidate].operands.contains(where: reading.contains) {
      reading.insert(candidate)
    }
    // What does not read the tile itself is kept for what does.
    for candidate in candidates.reversed() where reading.contains(candidate) {
      reading.formUnion(self[candidate].operands.filter(candidates.contains))
    }
    return candidates.filter(reading.contains)
  }

  /// Whether the result at an index follows from the operands at that index and from constants spread over it.
  private func isElementwise(_ value: Value) -> Bool {
    func isElementwise(_ operation: (any Operator)?) -> Bool {
      operation == nil || operation is Elementwise || operation is Convert || operation is Broadcast
    }
    if let fused = self[value].operation as? Fused { return fused.body.nodes.allSatisfy { isElementwise($0.operation) } }
    return isElementwise(self[value].operation)
  }
}
