/// The scalar functions that elementwise operators, loop forms and partial derivatives are written in.
///
/// Their values and partial derivatives stand in one table, `Operators/Elementwise.swift`.
public enum ScalarFunction: String, Sendable, Hashable, CaseIterable {
  // One operand.
  case negate, absolute, sign, step, relu
  case exponential, logarithm, squareRoot, hyperbolicTangent, sigmoid, errorFunction, sine, cosine
  case floor, ceiling, roundHalfEven
  case logicalNot
  /// The paper's derivative of ReLU, which rises from 0 to 1, falls to 0 at 0 and rises to 1 again (section 3.2).
  case smoothedStep
  /// Its slope.
  case smoothedStepSlope
  /// The identity, whose derivative is declared to be zero.
  case stopGradient
  // Two operands.
  case add, subtract, multiply, divide, power, maximum, minimum
  case equal, less, lessOrEqual
  case logicalAnd, logicalOr
  /// x where x > 0, s · x elsewhere, of x and the slope s.
  case leakyRelu
  // Three operands.
  case select, clip

  public var arity: Int {
    switch self {
    case .negate, .absolute, .sign, .step, .relu, .exponential, .logarithm, .squareRoot, .hyperbolicTangent, .sigmoid,
      .errorFunction, .sine, .cosine, .floor, .ceiling, .roundHalfEven, .logicalNot, .stopGradient, .smoothedStep,
      .smoothedStepSlope:
      1
    case .add, .subtract, .multiply, .divide, .power, .maximum, .minimum, .equal, .less, .lessOrEqual, .logicalAnd,
      .logicalOr, .leakyRelu:
      2
    case .select, .clip: 3
    }
  }

  /// True when the result is boolean whatever the operands.
  public var isPredicate: Bool {
    switch self {
    case .equal, .less, .lessOrEqual, .logicalAnd, .logicalOr, .logicalNot: true
    default: false
    }
  }

  /// True when swapping the two operands changes nothing.
  public var isCommutative: Bool {
    switch self {
    case .add, .multiply, .equal, .logicalAnd, .logicalOr: true
    default: false
    }
  }
}
