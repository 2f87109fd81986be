import TensorTypes

/// Index arithmetic over the loop variables of a loop form. Variables 0 ..< rank run over the result's index; further ones
/// over the reduction.
public indirect enum IndexExpression: Sendable, Hashable {
  case constant(Int)
  case variable(Int)
  case add(IndexExpression, IndexExpression)
  case scale(IndexExpression, Int)
  /// Rounds toward negative infinity; the divisor is positive.
  case floorDivide(IndexExpression, Int)
  /// Never negative; the divisor is positive.
  case modulo(IndexExpression, Int)
  /// An element of an integer operand, checked when running to lie in 0 ..< extent.
  case load(operand: Int, [IndexExpression], extent: Int)

  public static func + (a: Self, b: Self) -> Self {
    switch (a, b) {
    case (.constant(let x), .constant(let y)): .constant(x + y)
    case (.constant(0), _): b
    case (_, .constant(0)): a
    default: .add(a, b)
    }
  }
  public static func + (a: Self, b: Int) -> Self { a + .constant(b) }
  public static func * (a: Self, b: Int) -> Self {
    switch (a, b) {
    case (_, 0): .constant(0)
    case (_, 1): a
    case (.constant(let x), _): .constant(x * b)
    default: .scale(a, b)
    }
  }
}

/// A condition on an index; outside of it a guarded expression has its other value.
public enum IndexCondition: Sendable, Hashable {
  case inRange(IndexExpression, lower: Int, upper: Int)
  case divisible(IndexExpression, by: Int)
}

/// The scalar computed for one point of a loop nest.
public indirect enum LoopExpression: Sendable, Hashable {
  case literal(Double)
  case load(operand: Int, [IndexExpression])
  /// The index itself as an integer.
  case index(IndexExpression)
  case apply(ScalarFunction, [LoopExpression])
  case convert(LoopExpression, to: ElementType)
  /// `otherwise` is evaluated where a condition fails; the guarded loads are not performed there.
  case guarded([IndexCondition], LoopExpression, otherwise: Double)
}

/// The plain loops that compute an operator: what a schedule replaces, and what fusion composes.
public enum LoopForm: Sendable {
  /// result[i] = expression(i)
  case map(LoopExpression)
  /// result[i] = Σ_k expression(i, k), k in row-major order.
  case sum(extents: [Int], LoopExpression)
  /// result[i] = the `position` of the largest expression(i, k); the first k wins ties.
  case indexOfMaximum(extents: [Int], LoopExpression, position: IndexExpression)
  /// result = 0; for i in the first `parallelRank` axes of the result, for k: result[i, target(i, k)] += expression(i, k).
  case scatterAdd(parallelRank: Int, extents: [Int], target: [IndexExpression], LoopExpression)
  /// The operands one behind the other along `axis`.
  case concatenate(axis: Int)
}
