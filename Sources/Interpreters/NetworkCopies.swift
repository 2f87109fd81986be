import IR
import TensorTypes

/// Copies of a network in one graph, each on another input; they share the constants.
public struct NetworkCopies {
  private let network: Graph
  private let input: Value
  private let logits: Value
  /// For each node of the network that does not depend on its input the value that stands for it.
  private let shared: [Value?]

  /// - Parameter network: from one input to an output `logits`.
  public init(of network: Graph, in builder: GraphBuilder) throws(TypeError) {
    guard let input = network.inputs.first, let logits = network.output(named: "logits") else {
      throw TypeError("mask", "the network lacks its input x or its output logits", [])
    }
    (self.network, self.input, self.logits) = (network, input, logits)
    var shared = [Value?](repeating: nil, count: network.nodes.count)
    for (index, node) in network.nodes.enumerated() {
      switch node.content {
      case .input: break
      case .constant(let constant): shared[index] = builder.constant(constant.tensor, name: constant.name)
      case .operation(let operation):
        let operands = node.operands.compactMap { shared[$0.index] }
        guard operands.count == node.operands.count else { continue }
        shared[index] = try builder.at(node.location) { () throws(TypeError) in try builder.append(operation, operands) }
      }
    }
    self.shared = shared
  }

  /// Appends a copy on an image batch of the network's input type.
  /// - Returns: its logits.
  public func append(on image: Value, to builder: GraphBuilder) throws(TypeError) -> Value {
    var copied = shared
    copied[input.index] = image
    for (index, node) in network.nodes.enumerated() where copied[index] == nil {
      guard let operation = node.operation else { continue }
      let operands = node.operands.compactMap { copied[$0.index] }
      copied[index] = try builder.at(node.location) { () throws(TypeError) in try builder.append(operation, operands) }
    }
    guard let result = copied[logits.index] else { throw TypeError("mask", "the logits have no value", []) }
    return result
  }
}
