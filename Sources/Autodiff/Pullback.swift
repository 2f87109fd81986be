import IR
import Operators
import TensorTypes

extension GraphBuilder {
  /// Appends the cotangents of `inputs`: Σ over outputs of (∂output/∂input)ᵀ · cotangent.
  ///
  /// Derived from each operator's one rule: a multilinear operator's `transpose`, or ∂y/∂xᵢ · ȳ for an elementwise one.
  /// - Returns: for each input its cotangent, zeros where no output depends on it.
  /// - Throws: if the graph is closed, or an operator on the way has no derivative.
  public func pullback(_ cotangents: [(of: Value, is: Value)], to inputs: [Value]) throws(TypeError) -> [Value] {
    try requireOpen("pullback")
    let primals = nodes
    var terms: [Value: [Value]] = [:]
    for (value, cotangent) in cotangents { terms[value, default: []].append(cotangent) }
    guard let last = terms.keys.max(), let first = inputs.min() else { return [] }

    // Only values between inputs and outputs need a cotangent.
    var active = Set(inputs)
    for index in first.index...max(first.index, last.index) where primals[index].operands.contains(where: active.contains) {
      active.insert(Value(index))
    }

    var totals: [Value: Value] = [:]
    for index in stride(from: last.index, through: first.index, by: -1) {
      let value = Value(index)
      guard active.contains(value), let parts = terms.removeValue(forKey: value) else { continue }
      let node = primals[index]
      let derivation = node.operation.map { "pullback of \($0.rule)" }
      try at(Location(node: node.location.node, derivation: derivation)) { () throws(TypeError) in
        guard let cotangent = try total(parts) else { return }
        if inputs.contains(value) { totals[value] = cotangent }
        guard let operation = node.operation else { return }
        for (operand, term) in try self.terms(of: operation, node, value, cotangent, active) {
          terms[operand, default: []].append(term)
        }
      }
    }
    var results: [Value] = []
    for input in inputs {
      if let total = totals[input] { results.append(total) } else { results.append(try zeros(like: input)) }
    }
    return results
  }

  private func terms(
    of operation: any Operator, _ node: Node, _ result: Value, _ cotangent: Value, _ active: Set<Value>
  ) throws(TypeError) -> [(Value, Value)] {
    var terms: [(Value, Value)] = []
    func appendTerms(_ cotangent: Value, _ partials: [ScalarExpression?]) throws(TypeError) {
      for (operand, partial) in zip(node.operands, partials) {
        guard let partial, active.contains(operand) else { continue }
        terms.append((operand, try chain(cotangent, partial, operands: node.operands, result: result)))
      }
    }
    switch operation.derivative {
    case .zero: break
    case .undefined: throw .notDifferentiable(operation)
    case .elementwise(let partials): try appendTerms(cotangent, partials)
    case .guided(let partials): try appendTerms(try elementwise(.relu, cotangent), partials)
    case .linear(let rule), .multilinear(let rule):
      for (index, operand) in node.operands.enumerated() where active.contains(operand) && rule.isLinear(inOperand: index) {
        terms.append((operand, try rule.transpose(cotangent, operand: index, of: node.operands, in: self)))
      }
    }
    return terms
  }
}
