/// A partial derivative written in the scalar language: `x` are the operands of the row, `y` is its result.
public indirect enum ScalarExpression: Sendable, Hashable, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  case literal(Double)
  case operand(Int)
  case result
  case apply(ScalarFunction, [ScalarExpression])

  public init(floatLiteral value: Double) { self = .literal(value) }
  public init(integerLiteral value: Int) { self = .literal(Double(value)) }

  public static func + (a: Self, b: Self) -> Self { .apply(.add, [a, b]) }
  public static func - (a: Self, b: Self) -> Self { .apply(.subtract, [a, b]) }
  public static func * (a: Self, b: Self) -> Self { .apply(.multiply, [a, b]) }
  public static func / (a: Self, b: Self) -> Self { .apply(.divide, [a, b]) }
  public static prefix func - (a: Self) -> Self { .apply(.negate, [a]) }
}
