import IR
import TensorTypes

extension Graph {
  /// Runs the reference evaluator.
  /// - Parameter inputs: one tensor for each input, in signature order.
  /// - Returns: the outputs in order; floating-point values in f64 storage.
  public func evaluate(_ inputs: [HostTensor]) throws(EvaluationError) -> [HostTensor] {
    for (value, tensor) in zip(self.inputs, inputs) where self[value].type != tensor.type {
      throw .wrongInputType(name: name(ofInput: value), expected: self[value].type, found: tensor.type)
    }
    if inputs.count < self.inputs.count { throw .missingInput(name: name(ofInput: self.inputs[inputs.count])) }
    var results = [HostTensor?](repeating: nil, count: nodes.count)
    for (value, tensor) in zip(self.inputs, inputs) { results[value.index] = tensor }
    var remainingUses = useCounts
    for (index, node) in nodes.enumerated() where remainingUses[index] > 0 {
      switch node.content {
      case .input: break
      case .constant(let constant): results[index] = constant.tensor
      case .operation(let operation):
        results[index] = try operation.evaluate(node.operands.compactMap { results[$0.index] }, type: node.type)
        for operand in node.operands {
          remainingUses[operand.index] -= 1
          if remainingUses[operand.index] == 0 { results[operand.index] = nil }
        }
      }
    }
    return outputs.compactMap { results[$0.value.index] }
  }

  /// Runs the reference evaluator on named tensors.
  public func evaluate(_ inputs: [String: HostTensor]) throws(EvaluationError) -> [String: HostTensor] {
    var ordered: [HostTensor] = []
    for value in self.inputs {
      guard let tensor = inputs[name(ofInput: value)] else { throw .missingInput(name: name(ofInput: value)) }
      ordered.append(tensor)
    }
    let results: [HostTensor] = try evaluate(ordered)
    return Dictionary(uniqueKeysWithValues: zip(outputs.map(\.name), results))
  }
}
