import IR
import Operators
import TensorTypes

/// Says how cotangents pass through an operation where that is not by its derivative.
///
/// Called for every node on the way back, with the operands that depend on the inputs.
/// - Returns: the cotangents of operands that the node adds, or nil to go by the derivative.
public protocol PullbackRule {
  func terms(of node: Node, _ result: Value, cotangent: Value, active: [Value], in builder: GraphBuilder) throws(TypeError)
    -> [(operand: Value, cotangent: Value)]?
}

extension GraphBuilder {
  /// Appends the cotangents of `inputs`: Σ over outputs of (∂output/∂input)ᵀ · cotangent.
  ///
  /// Derived from each operator's one rule: a multilinear operator's `transpose`, or ∂y/∂xᵢ · ȳ for an elementwise one.
  /// - Parameter rule: what goes before the operators' rules; nothing by default.
  /// - Returns: for each input its cotangent, zeros where no output depends on it.
  /// - Throws: if the graph is closed, or an operator on the way has no derivative.
  public func pullback(_ cotangents: [(of: Value, is: Value)], to inputs: [Value], rule: (any PullbackRule)? = nil)
    throws(TypeError) -> [Value]
  {
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
        if node.operation == nil { return }
        let operands = node.operands.filter(active.contains)
        let special = try rule?.terms(of: node, value, cotangent: cotangent, active: operands, in: self)
        let own = special == nil ? try self.terms(of: node, value, cotangent: cotangent, active: operands) : []
        for (operand, term) in special ?? own {
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

  /// The cotangents that a node adds to those of its operands, by the derivative of its operation.
  /// - Parameter active: the operands that need one.
  public func terms(of node: Node, _ result: Value, cotangent: Value, active: [Value]) throws(TypeError)
    -> [(operand: Value, cotangent: Value)]
  {
    guard let operation = node.operation else { return [] }
    var terms: [(operand: Value, cotangent: Value)] = []
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
