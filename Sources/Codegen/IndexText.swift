import IR

extension IndexExpression {
  /// The expression with variable i replaced by `replacements[i]`, and integer operands renumbered.
  func substituting(_ replacements: [IndexExpression], _ operandNumber: (Int) -> Int) -> IndexExpression {
    switch self {
    case .constant: return self
    case .variable(let number): return replacements[number]
    case .add(let a, let b): return a.substituting(replacements, operandNumber) + b.substituting(replacements, operandNumber)
    case .scale(let a, let factor): return a.substituting(replacements, operandNumber) * factor
    case .floorDivide(let a, let divisor):
      let inner = a.substituting(replacements, operandNumber)
      if case .constant(let value) = inner { return .constant(Int((Double(value) / Double(divisor)).rounded(.down))) }
      return divisor == 1 ? inner : .floorDivide(inner, divisor)
    case .modulo(let a, let divisor):
      let inner = a.substituting(replacements, operandNumber)
      if case .constant(let value) = inner { return .constant(((value % divisor) + divisor) % divisor) }
      return divisor == 1 ? .constant(0) : .modulo(inner, divisor)
    case .load(let operand, let index, let extent):
      return .load(
        operand: operandNumber(operand), index.map { $0.substituting(replacements, operandNumber) }, extent: extent)
    }
  }

  func mentions(_ variable: Int) -> Bool {
    switch self {
    case .constant: false
    case .variable(let number): number == variable
    case .add(let a, let b): a.mentions(variable) || b.mentions(variable)
    case .scale(let a, _), .floorDivide(let a, _), .modulo(let a, _): a.mentions(variable)
    case .load(_, let index, _): index.contains { $0.mentions(variable) }
    }
  }

  /// variable + offset, with an offset that does not mention the variable; nil for any other form.
  func offset(from variable: Int) -> IndexExpression? {
    switch self {
    case .variable(let number) where number == variable: return .constant(0)
    case .add(let a, let b):
      if let offset = a.offset(from: variable), !b.mentions(variable) { return offset + b }
      if let offset = b.offset(from: variable), !a.mentions(variable) { return a + offset }
      return nil
    default: return nil
    }
  }
}

extension IndexCondition {
  func mentions(_ variable: Int) -> Bool {
    switch self {
    case .inRange(let index, _, _), .divisible(let index, _): index.mentions(variable)
    }
  }

  func substituting(_ replacements: [IndexExpression], _ operandNumber: (Int) -> Int) -> IndexCondition {
    switch self {
    case .inRange(let index, let lower, let upper):
      .inRange(index.substituting(replacements, operandNumber), lower: lower, upper: upper)
    case .divisible(let index, let divisor): .divisible(index.substituting(replacements, operandNumber), by: divisor)
    }
  }
}
