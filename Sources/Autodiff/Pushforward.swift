import IR
import Operators
import TensorTypes

extension GraphBuilder {
  /// Appends the directional derivatives of `outputs` along `tangents`, given for some values they depend on.
  ///
  /// Derived from each operator's one rule: for a multilinear operator the sum over its operands with one of them replaced
  /// by its tangent, for an elementwise one Σ ∂y/∂xᵢ · ẋᵢ.
  /// - Returns: for each output its tangent, or nil where it depends on none of the given values.
  /// - Throws: if the graph is closed, or an operator on the way has no derivative, or a guided one.
  public func pushforward(_ outputs: [Value], along tangents: [Value: Value]) throws(TypeError) -> [Value?] {
    try requireOpen("pushforward")
    var tangents = tangents
    let primals = nodes
    let needed = ancestors(of: outputs)
    guard let first = tangents.keys.min() else { return outputs.map { _ in nil } }
    let last = outputs.max() ?? first
    for index in first.index...max(first.index, last.index) where needed.contains(Value(index)) {
      let node = primals[index]
      guard tangents[Value(index)] == nil, let operation = node.operation,
        node.operands.contains(where: { tangents[$0] != nil })
      else { continue }
      let tangent = try at(Location(node: node.location.node, derivation: "pushforward of \(operation.rule)")) {
        () throws(TypeError) in try self.tangent(of: operation, node, Value(index), tangents)
      }
      if let tangent { tangents[Value(index)] = tangent }
    }
    return outputs.map { tangents[$0] }
  }

  private func tangent(of operation: any Operator, _ node: Node, _ result: Value, _ tangents: [Value: Value])
    throws(TypeError) -> Value?
  {
    var terms: [Value] = []
    switch operation.derivative {
    case .zero: return nil
    case .undefined: throw .notDifferentiable(operation)
    case .guided: throw .reverseModeOnly(operation)
    case .elementwise(let partials):
      for (operand, partial) in zip(node.operands, partials) {
        guard let partial, let tangent = tangents[operand] else { continue }
        terms.append(try chain(tangent, partial, operands: node.operands, result: result))
      }
    case .linear:
      var operands: [Value] = []
      for operand in node.operands {
        if let known = tangents[operand] { operands.append(known) } else { operands.append(try zeros(like: operand)) }
      }
      return try append(operation, operands)
    case .multilinear(let rule):
      for (index, operand) in node.operands.enumerated() where rule.isLinear(inOperand: index) {
        guard let tangent = tangents[operand] else { continue }
        var operands = node.operands
        operands[index] = tangent
        terms.append(try append(operation, operands))
      }
    }
    return try total(terms)
  }

  /// The sum of the terms, or nil if there are none.
  func total(_ terms: [Value]) throws(TypeError) -> Value? {
    guard var sum = terms.first else { return nil }
    for term in terms.dropFirst() { sum = try append(Elementwise(.add), [sum, term]) }
    return sum
  }

  /// Every value that one of `values` depends on, themselves included.
  func ancestors(of values: [Value]) -> Set<Value> {
    var found: Set<Value> = []
    var pending = values
    while let value = pending.popLast() {
      if found.insert(value).inserted { pending.append(contentsOf: nodes[value.index].operands) }
    }
    return found
  }
}
