import IR
import Operators
import TensorTypes

/// Nodes of a fused graph that one kernel computes: one, or a convolution and the elementwise nodes that become further
/// outputs of its epilogue, or the positions of maxima and the maxima themselves.
struct JoinedNodes {
  /// The values of the nodes.
  let members: [Value]
  /// Those that something else reads.
  let results: [Value]
  /// Their operations as one graph, with an output for each result.
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
    results = graph.readElsewhere(members)
    body = builder.finish(
      name: "region", outputs: results.enumerated().compactMap { number, result in inner[result].map { ("y\(number)", $0) } }
    )
  }
}

extension Graph {
  /// How many nodes after a tile may become its outputs: later ones would fill memory long before they are read.
  private static let reach = 8

  /// The elementwise nodes soon after a node that read it, or that those need, and nothing that is not known before it.
  /// - Parameter mayJoin: whether a node can be computed together with others at all.
  func elementwiseFollowers(of tile: Value, where mayJoin: (Value) -> Bool) -> [Value] {
    let following = (tile.index + 1..<nodes.count).lazy.map(Value.init).filter { self[$0].operation != nil }
    var candidates: [Value] = []
    for value in following.prefix(Self.reach)
    where self[value].type.shape == self[tile].type.shape && isElementwise(value) && mayJoin(value) {
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

  /// The members that are outputs or that other nodes read.
  fileprivate func readElsewhere(_ members: [Value]) -> [Value] {
    if members.count == 1 { return members }
    var counts = useCounts
    for member in members { for operand in self[member].operands { counts[operand.index] -= 1 } }
    let results = members.filter { counts[$0.index] > 0 }
    return results.isEmpty ? members : results
  }

  /// The node soon after the positions of maxima over windows that takes the maxima there, perhaps with elementwise
  /// operations behind, and reads nothing else that is not known before them.
  func maximaTaken(at positions: Value) -> Value? {
    let source = self[positions].operands[0]
    return (positions.index + 1..<nodes.count).prefix(Self.reach).lazy.map(Value.init).first { value in
      let node = self[value]
      guard node.operands.contains(positions),
        node.operands.allSatisfy({ $0.index <= positions.index || self[$0].constant != nil })
      else { return false }
      guard let body = (node.operation as? Fused)?.body else {
        return node.operation?.takesFromPlanes == true && node.operands == [source, positions]
      }
      let outer = Dictionary(zip(body.inputs, node.operands)) { first, _ in first }
      return body.nodes.allSatisfy { inner in
        inner.operands.contains { outer[$0] == positions }
          ? inner.operation?.takesFromPlanes == true && inner.operands.map { outer[$0] } == [source, positions]
          : isElementwise(inner.operation)
      }
    }
  }

  private func isElementwise(_ operation: (any Operator)?) -> Bool {
    operation == nil || operation is Elementwise || operation is Convert || operation is Broadcast
  }

  /// Whether the result at an index follows from the operands at that index and from constants spread over it.
  private func isElementwise(_ value: Value) -> Bool {
    if let fused = self[value].operation as? Fused { return fused.body.nodes.allSatisfy { isElementwise($0.operation) } }
    return isElementwise(self[value].operation)
  }
}

extension Operator {
  /// Whether it selects elements of the planes of images.
  var takesFromPlanes: Bool { (self as? Take)?.batchRank == 2 }
}
