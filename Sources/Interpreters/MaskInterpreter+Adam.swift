import Autodiff
import IR
import Operators
import TensorTypes

/// A mask and the moments of its gradient: what Adam (Kingma and Ba 2015) carries from step to step. Each f32[B, h, w].
public struct MaskState: Sendable {
  public let mask: Value
  /// The running mean of the gradient, decaying by 0.9 a step.
  public let mean: Value
  /// The running mean of its squares, decaying by 0.999 a step.
  public let squares: Value

  public init(mask: Value, mean: Value, squares: Value) {
    self.mask = mask
    self.mean = mean
    self.squares = squares
  }
}

/// Adam's numbers; the learning rate is the mask's.
public enum MaskAdam {
  public static let meanDecay = 0.9, squaresDecay = 0.999, floor = 1e-8

  /// 1 − 0.9ⁿ and 1 − 0.999ⁿ, by which step n, counted from 1, divides the moments.
  public static func corrections(step: Int) -> [Float] {
    func correction(_ decay: Double) -> Float {
      var power = 1.0
      for _ in 0..<step { power *= decay }
      return Float(1 - power)
    }
    return [correction(meanDecay), correction(squaresDecay)]
  }
}

extension MaskInterpreter {
  /// One step of Adam on the loss at `state.mask`, clamped to [0, 1].
  ///
  ///     μ' = β₁ μ + (1 − β₁) g,  ν' = β₂ ν + (1 − β₂) g²,  m' = clamp(m − η (μ' / c₁) / (√(ν' / c₂) + ε))
  ///
  /// Differentiable in everything but offset, corrections and classes. Clamping passes the derivative on the closed
  /// interval, as PyTorch's clamp does; where ν' is zero its root counts as a constant.
  /// - Parameters:
  ///   - corrections: f32[2], the two divisors c of this step.
  public func appendStep(
    from state: MaskState, _ views: Views, offset: Value, corrections: Value, classes: Value, _ copies: NetworkCopies,
    to builder: GraphBuilder
  ) throws(TypeError) -> MaskState {
    let loss = try appendLoss(of: state.mask, views, offset: offset, classes: classes, copies, to: builder)
    let one = try builder.broadcast(builder.scalar(1, like: loss), to: builder.shape(of: loss))
    let gradient = try builder.pullback([(loss, one)], to: [state.mask])[0]
    func moment(_ old: Value, _ term: Value, decay: Double) throws(TypeError) -> Value {
      try builder.add(try builder.multiply(old, decay), try builder.multiply(term, 1 - decay))
    }
    let mean = try moment(state.mean, gradient, decay: MaskAdam.meanDecay)
    let squares = try moment(state.squares, try builder.multiply(gradient, gradient), decay: MaskAdam.squaresDecay)
    func corrected(_ moment: Value, _ number: Int) throws(TypeError) -> Value {
      let divisor = try builder.reshape(try builder.slice(corrections, axis: 0, from: number, to: number + 1), .scalar)
      return try builder.divide(moment, divisor)
    }
    let zero = builder.scalar(0, like: squares)
    let variance = try corrected(squares, 1)
    let isPositive = try builder.elementwise(.less, zero, variance)
    let root = try builder.elementwise(
      .squareRoot, try builder.elementwise(.select, isPositive, variance, builder.scalar(1, like: squares)))
    let deviation = try builder.elementwise(.select, isPositive, root, zero)
    let direction = try builder.divide(try corrected(mean, 0), try builder.add(deviation, MaskAdam.floor))
    let moved = try builder.subtract(state.mask, try builder.multiply(direction, constants.learningRate))
    return MaskState(mask: try builder.clampedToUnit(moved), mean: mean, squares: squares)
  }
}

extension GraphBuilder {
  /// min(max(x, 0), 1) with the derivative 1 where 0 ≤ x ≤ 1. That of `clip` is 0 at the bounds themselves.
  public func clampedToUnit(_ x: Value) throws(TypeError) -> Value {
    let low = scalar(0, like: x)
    let high = scalar(1, like: x)
    let isInside = try elementwise(
      .logicalAnd, try elementwise(.lessOrEqual, low, x), try elementwise(.lessOrEqual, x, high))
    return try elementwise(.select, isInside, x, try elementwise(.stopGradient, try elementwise(.clip, x, low, high)))
  }
}
