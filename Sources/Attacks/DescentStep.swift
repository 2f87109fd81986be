import IR
import Operators
import TensorTypes

// One step of projected gradient descent, each image of a batch for itself.
extension GraphBuilder {
  /// The iterate after a step of length alpha against the gradient, within eps of the origin and within [0, 1].
  func descentStep(_ x: Value, gradient: Value, origin: Value, alpha: Value, eps: Value, norm: ThreatModel.Norm)
    throws(TypeError) -> Value
  {
    switch norm {
    case .linf: try signStep(x, gradient: gradient, origin: origin, alpha: alpha, eps: eps)
    case .l2: try normalisedStep(x, gradient: gradient, origin: origin, alpha: alpha, eps: eps)
    }
  }

  /// x ← clip(x − alpha · sign(gradient), origin ± eps), then clip to [0, 1] (equation 1 of the paper); sign(0) = 0.
  private func signStep(_ x: Value, gradient: Value, origin: Value, alpha: Value, eps: Value) throws(TypeError) -> Value {
    let moved = try subtract(x, try multiply(try elementwise(.sign, gradient), alpha))
    return try withinBox(moved, origin: origin, eps: eps)
  }

  /// clip(x, origin ± eps), then clip to [0, 1].
  func withinBox(_ x: Value, origin: Value, eps: Value) throws(TypeError) -> Value {
    // The ball and [0, 1] meet in a box, since the origin lies in both.
    let low = try elementwise(.maximum, try subtract(origin, eps), scalar(0, like: x))
    let high = try elementwise(.minimum, try add(origin, eps), scalar(1, like: x))
    return try elementwise(.clip, x, low, high)
  }

  /// x / ‖x‖₂ of each image [B, C, H, W]; zeros where x is zero.
  func direction(of x: Value) throws(TypeError) -> Value { try directionAndNorm(of: x).direction }

  /// x / ‖x‖₂ of each image [B, C, H, W], zeros where x is zero, and ‖x‖₂, f32[B].
  func directionAndNorm(of x: Value) throws(TypeError) -> (direction: Value, norm: Value) {
    // Divided by its largest value first, so that no square overflows or vanishes.
    let largest = try maximum(try elementwise(.absolute, x), axes: [1, 2, 3], keepAxes: true)
    let scaled = try divide(x, try atLeast(1e-30, largest))
    let length = try length(scaled)
    let norm = try reshape(try multiply(largest, length), [shape(of: x)[0]])
    return (try divide(scaled, try atLeast(1e-30, length)), norm)
  }

  /// d = x − alpha · gradient / ‖gradient‖₂ − origin;  x ← origin + d · min(1, eps / ‖d‖₂), then clip to [0, 1], which brings
  /// it no further from the origin. A gradient of zeros moves nothing.
  private func normalisedStep(_ x: Value, gradient: Value, origin: Value, alpha: Value, eps: Value) throws(TypeError)
    -> Value
  {
    let change = try multiply(try direction(of: gradient), alpha)
    let difference = try subtract(try subtract(x, change), origin)
    let distance = try length(difference)
    let allowed = try divide(try broadcast(eps, to: shape(of: distance)), try atLeast(1e-30, distance))
    let factor = try elementwise(.minimum, allowed, scalar(1, like: allowed))
    let projected = try add(origin, try multiply(difference, factor))
    return try elementwise(.clip, projected, scalar(0, like: x), scalar(1, like: x))
  }

  /// ‖x‖₂ of each image, f32[B, 1, 1, 1].
  private func length(_ x: Value) throws(TypeError) -> Value {
    try elementwise(.squareRoot, try sum(try multiply(x, x), axes: [1, 2, 3], keepAxes: true))
  }

  private func atLeast(_ number: Double, _ x: Value) throws(TypeError) -> Value {
    try elementwise(.maximum, x, scalar(number, like: x))
  }
}
