import IR
import TensorTypes

// Activations whose values and derivatives follow from the operators they append.
extension GraphBuilder {
  /// x where x > 0, slope · x elsewhere, with a slope that broadcasts to x.
  public func leakyRelu(_ x: Value, slope: Value) throws(TypeError) -> Value { try elementwise(.leakyRelu, x, slope) }

  /// x where x > 0, `other` elsewhere. At 0 the derivative is that of `other`, as in PyTorch.
  public func positivePart(of x: Value, otherwise other: Value) throws(TypeError) -> Value {
    try elementwise(.select, try elementwise(.less, scalar(0, like: x), x), x, other)
  }

  /// exp(x) − 1 for x ≤ 0, and 0 above: the exponential never overflows.
  public func negativeExponentialMinusOne(_ x: Value) throws(TypeError) -> Value {
    try add(try elementwise(.exponential, try elementwise(.minimum, x, scalar(0, like: x))), -1)
  }

  /// max(0, min(1, alpha · x + beta))
  public func hardSigmoid(_ x: Value, alpha: Double, beta: Double) throws(TypeError) -> Value {
    try clip(try add(try multiply(x, alpha), beta), 0, 1)
  }

  /// log(1 + exp(x)), as −log σ(−x) up to x = 40, beyond which it is x to the last bit of f64.
  ///
  /// max(x, 0) + log(1 + exp(−|x|)) would not do: its derivative at 0 comes out as 0 instead of ½.
  public func softplus(_ x: Value) throws(TypeError) -> Value {
    let limit = scalar(40, like: x)
    let bounded = try elementwise(.minimum, x, limit)
    let complement = try elementwise(.sigmoid, try elementwise(.negate, bounded))
    let curved = try elementwise(.negate, try elementwise(.logarithm, complement))
    return try elementwise(.select, try elementwise(.less, x, limit), curved, x)
  }

  /// x · Φ(x) = x/2 · (1 + erf(x / √2))
  public func gelu(_ x: Value) throws(TypeError) -> Value {
    let error = try elementwise(.errorFunction, try multiply(x, 0.5.squareRoot()))
    return try multiply(try multiply(x, 0.5), try add(error, 1))
  }

  /// x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
  public func geluByHyperbolicTangent(_ x: Value) throws(TypeError) -> Value {
    let cube = try multiply(try multiply(x, x), x)
    let inner = try multiply(try add(x, try multiply(cube, 0.044715)), (2 / Double.pi).squareRoot())
    return try multiply(try multiply(x, 0.5), try add(try elementwise(.hyperbolicTangent, inner), 1))
  }
}
