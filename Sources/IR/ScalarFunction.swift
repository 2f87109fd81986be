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
  /// The identity, whose derivative is declared to be zero.
  case stopGradient
  /// ReLU, whose derivative is declared to be smoothedStep, or sigmoid.
  case reluSmoothed, reluSigmoid
  /// roundHalfEven, whose derivative is declared to be one.
  case roundStraightThrough
  // Two operands.
  case add, subtract, multiply, divide, power, maximum, minimum
  case equal, less, lessOrEqual
  case logicalAnd, logicalOr
  // Three operands.
  case select, clip
  /// Clip to lo ... hi, whose derivative is declared to be f(x − lo) − f(x − hi) with f smoothedStep, or sigmoid.
  case clipSmoothed, clipSigmoid

  public var arity: Int {
    switch self {
    case .negate, .absolute, .sign, .step, .relu, .exponential, .logarithm, .squareRoot, .hyperbolicTangent, .sigmoid,
      .errorFunction, .sine, .cosine, .floor, .ceiling, .roundHalfEven, .logicalNot, .stopGradient, .smoothedStep,
      .reluSmoothed, .reluSigmoid, .roundStraightThrough:
      1
    case .add, .subtract, .multiply, .divide, .power, .maximum, .minimum, .equal, .less, .lessOrEqual, .logicalAnd,
      .logicalOr:
      2
    case .select, .clip, .clipSmoothed, .clipSigmoid: 3
    }
  }

  /// True when the result is boolean whatever the operands.
  public var isPredicate: Bool {
    switch self {
    case .equal, .less, .lessOrEqual, .logicalAnd, .logicalOr, .logicalNot: true
    default: false
    }
  }

  /// True when the declared partial derivative is not the derivative of the value; such rows are erased once
  /// differentiation is done.
  public var isSurrogate: Bool { surrogateValue != nil }

  /// What a surrogate computes; nil for functions that are none.
  public var surrogateValue: SurrogateValue? {
    switch self {
    case .stopGradient: .operand
    case .reluSmoothed, .reluSigmoid: .function(.relu)
    case .clipSmoothed, .clipSigmoid: .function(.clip)
    case .roundStraightThrough: .function(.roundHalfEven)
    default: nil
    }
  }

  public enum SurrogateValue: Sendable, Hashable {
    case operand
    case function(ScalarFunction)
  }

  /// True when swapping the two operands changes nothing.
  public var isCommutative: Bool {
    switch self {
    case .add, .multiply, .equal, .logicalAnd, .logicalOr: true
    default: false
    }
  }
}
