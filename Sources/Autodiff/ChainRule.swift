import IR
import Operators
import TensorTypes

extension GraphBuilder {
  /// derivative · factor, where the factor is a partial derivative in the scalar language.
  ///
  /// Conditions become selections, so that a partial that is zero somewhere gives zero there even beside an infinity.
  func chain(_ derivative: Value, _ factor: ScalarExpression, operands: [Value], result: Value) throws(TypeError) -> Value {
    switch factor {
    case .literal(1): return derivative
    case .literal(0): return try zeros(like: derivative)
    case .apply(.negate, let inner):
      return try elementwise(.negate, try chain(derivative, inner[0], operands: operands, result: result))
    case .literal(-1): return try elementwise(.negate, derivative)
    case .apply(.step, let inner):
      let argument = try lower(inner[0], operands: operands, result: result)
      return try elementwise(
        .select, try elementwise(.less, try zeros(like: argument), argument), derivative, try zeros(like: derivative))
    case .apply(.select, let branches):
      return try append(
        Elementwise(.select),
        [
          try lower(branches[0], operands: operands, result: result),
          try chain(derivative, branches[1], operands: operands, result: result),
          try chain(derivative, branches[2], operands: operands, result: result),
        ])
    default: return try multiply(derivative, try lower(factor, operands: operands, result: result))
    }
  }

  /// The scalar expression as elementwise operations.
  private func lower(_ expression: ScalarExpression, operands: [Value], result: Value) throws(TypeError) -> Value {
    switch expression {
    case .operand(let index): return operands[index]
    case .result: return result
    case .literal(let number): return try broadcast(scalar(number, like: result), to: shape(of: result))
    case .apply(let function, let inner):
      var lowered: [Value] = []
      for expression in inner { lowered.append(try lower(expression, operands: operands, result: result)) }
      return try append(Elementwise(function), lowered)
    }
  }

  func zeros(like value: Value) throws(TypeError) -> Value {
    try broadcast(scalar(0, like: value), to: shape(of: value))
  }
}

extension Operator {
  /// What a derivation says of the operator: its mnemonic, with the derivative that it declares in place of its own.
  var rule: String {
    guard let elementwise = self as? Elementwise, elementwise.declared != .plain else { return mnemonic }
    return "\(mnemonic) \(attributes)"
  }
}

extension GraphBuilder {
  /// A later derivative would mix a surrogate's derivative with that of the value it gave way to.
  func requireOpen(_ derivative: String) throws(TypeError) {
    if isClosed {
      throw TypeError(
        derivative, "the graph is closed: its surrogates are erased; differentiate before EraseSurrogates runs", [])
    }
  }
}

extension TypeError {
  static func notDifferentiable(_ operation: any Operator) -> TypeError {
    TypeError(operation.mnemonic, "has no derivative: differentiate before fusing and erasing surrogates", [])
  }

  static func reverseModeOnly(_ operation: any Operator) -> TypeError {
    TypeError(
      operation.mnemonic,
      "guided backpropagation depends on the cotangent, so that there is no derivative along a direction; "
        + "take the pullback, or declare another derivative", [])
  }
}
