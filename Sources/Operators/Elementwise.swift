import Foundation
import IR
import TensorTypes

/// result[i] = f(x₀[i], x₁[i], ...)
///
/// Constraints: (C1) as many operands as the function takes; (C2) all of one shape; (C3) of one element type, but for the
/// boolean first operand of `select`; (C4) of a kind that the function is defined on; (C5) a declared derivative that the
/// function can have.
public struct Elementwise: Operator {
  public let function: ScalarFunction
  /// What derivatives take in place of the function's own partial derivatives.
  public let declared: KinkDerivative

  public init(_ function: ScalarFunction, declaring derivative: KinkDerivative = .plain) {
    self.function = function
    declared = derivative
  }

  public var mnemonic: String { function.rawValue }
  public var attributes: Attributes { declared.attributes }
  public var derivative: Derivative { declared.derivative(of: function) }

  /// True when the declared derivative is not that of the value; surrogates are erased once differentiation is done.
  public var isSurrogate: Bool { declared != .plain || function == .stopGradient }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == function.arity, operands, "takes \(function.arity) operands")
    let first = operands[operands.count > 2 && function == .select ? 1 : 0]
    try require(operands.allSatisfy { $0.shape == first.shape }, operands, "operands need equal shapes")
    let data = function == .select ? Array(operands.dropFirst()) : operands
    try require(data.allSatisfy { $0.element == first.element }, operands, "operands need one element type")
    try require(declared.isDefined(on: function), operands, declared.refusal)
    switch function {
    case .logicalAnd, .logicalOr, .logicalNot:
      try require(first.element == .boolean, operands, "operands need to be boolean")
    case .select:
      try require(operands[0].element == .boolean, operands, "the first operand needs to be boolean")
    case .equal, .stopGradient: break
    case .negate, .absolute, .sign, .add, .subtract, .multiply, .divide, .maximum, .minimum, .less, .lessOrEqual, .clip:
      try require(first.element != .boolean, operands, "operands need to be numbers")
    case .step, .relu, .exponential, .logarithm, .squareRoot, .hyperbolicTangent, .sigmoid, .errorFunction, .sine, .cosine,
      .floor, .ceiling, .roundHalfEven, .power, .smoothedStep, .smoothedStepSlope, .leakyRelu:
      try require(first.element.isFloatingPoint, operands, "operands need to be floating-point")
    }
    return TensorType(function.isPredicate ? .boolean : first.element, first.shape)
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let index = variables(0..<type.shape.rank)
    return .map(.apply(function, operands.indices.map { .load(operand: $0, index) }))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor {
    let data = function == .select ? operands[1] : operands[0]
    if data.type.element.isFloatingPoint {
      let x: [[Double]] = operands.map(\.doubles)
      let f = function.value
      let results: [Double] = apply(x, f)
      if type.element == .boolean { return HostTensor(type, .boolean(results.map { $0 != 0 })) }
      return HostTensor(type, .double(results))
    }
    let x: [[Int64]] = operands.map(\.integers)
    var results = [Int64](repeating: 0, count: type.shape.elementCount)
    for i in results.indices {
      guard let result = function.integerValue(x.map { $0[i] }) else {
        if function == .divide && x[1][i] == 0 { throw .divisionByZero(mnemonic: mnemonic) }
        throw .integerOverflow(mnemonic: mnemonic)
      }
      results[i] = result
    }
    if type.element == .boolean { return HostTensor(type, .boolean(results.map { $0 != 0 })) }
    return HostTensor(type, .integer(results))
  }

  private func apply(_ x: [[Double]], _ f: (Double, Double, Double) -> Double) -> [Double] {
    let count = x[0].count
    return [Double](unsafeUninitializedCapacity: count) { results, initialized in
      switch x.count {
      case 1: for i in 0..<count { results[i] = f(x[0][i], 0, 0) }
      case 2: for i in 0..<count { results[i] = f(x[0][i], x[1][i], 0) }
      default: for i in 0..<count { results[i] = f(x[0][i], x[1][i], x[2][i]) }
      }
      initialized = count
    }
  }
}

extension ScalarFunction {
  /// The value on floating-point operands; predicates give 1 or 0, and boolean operands come as 1 or 0.
  public var value: (_ x: Double, _ y: Double, _ z: Double) -> Double {
    switch self {
    case .negate: { x, _, _ in -x }
    case .absolute: { x, _, _ in abs(x) }
    case .sign: { x, _, _ in x > 0 ? 1 : x < 0 ? -1 : x }
    case .step: { x, _, _ in x > 0 ? 1 : 0 }
    case .relu: { x, _, _ in x > 0 ? x : x.isNaN ? x : 0 }
    case .smoothedStep: { x, _, _ in Self.smoothedStep(x) }
    case .smoothedStepSlope: { x, _, _ in Self.smoothedStepSlope(x) }
    case .exponential: { x, _, _ in exp(x) }
    case .logarithm: { x, _, _ in log(x) }
    case .squareRoot: { x, _, _ in x.squareRoot() }
    case .hyperbolicTangent: { x, _, _ in tanh(x) }
    case .sigmoid: { x, _, _ in x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }
    case .errorFunction: { x, _, _ in erf(x) }
    case .sine: { x, _, _ in sin(x) }
    case .cosine: { x, _, _ in cos(x) }
    case .floor: { x, _, _ in x.rounded(.down) }
    case .ceiling: { x, _, _ in x.rounded(.up) }
    case .roundHalfEven: { x, _, _ in x.rounded(.toNearestOrEven) }
    case .logicalNot: { x, _, _ in x == 0 ? 1 : 0 }
    case .stopGradient: { x, _, _ in x }
    case .add: { x, y, _ in x + y }
    case .subtract: { x, y, _ in x - y }
    case .multiply: { x, y, _ in x * y }
    case .divide: { x, y, _ in x / y }
    case .power: { x, y, _ in pow(x, y) }
    case .maximum: { x, y, _ in x.isNaN ? x : y.isNaN ? y : x >= y ? x : y }
    case .minimum: { x, y, _ in x.isNaN ? x : y.isNaN ? y : x <= y ? x : y }
    case .equal: { x, y, _ in x == y ? 1 : 0 }
    case .less: { x, y, _ in x < y ? 1 : 0 }
    case .lessOrEqual: { x, y, _ in x <= y ? 1 : 0 }
    case .logicalAnd: { x, y, _ in x != 0 && y != 0 ? 1 : 0 }
    case .logicalOr: { x, y, _ in x != 0 || y != 0 ? 1 : 0 }
    case .select: { x, y, z in x != 0 ? y : z }
    case .leakyRelu: { x, slope, _ in x > 0 ? x : slope * x }
    case .clip: { x, y, z in x.isNaN ? x : x < y ? y : x > z ? z : x }
    }
  }

  /// τ of smoothedStep.
  public static let smoothing = 1e-4

  /// h(x) = x / s for x ≥ 0, 1 + x / s below, with s = √(x² + τ) (section 3.2 of the paper); the latter as τ / (s (s − x)),
  /// which does not cancel. One at +∞, zero at −∞.
  private static func smoothedStep(_ x: Double) -> Double {
    // From 1e9 on h rounds to one, and the square must not overflow.
    let bounded = x > 1e9 ? 1e9 : x
    let s = (bounded * bounded + smoothing).squareRoot()
    return bounded >= 0 ? bounded / s : smoothing / (s * (s - bounded))
  }

  /// τ / s³ on both branches; the jump at 0 has no part in it.
  private static func smoothedStepSlope(_ x: Double) -> Double {
    let s = (x * x + smoothing).squareRoot()
    return smoothing / (s * s * s)
  }

  /// The value on integer or boolean operands, or nil where it overflows, divides by zero or is not defined.
  func integerValue(_ x: [Int64]) -> Int64? {
    func checked(_ result: (partialValue: Int64, overflow: Bool)) -> Int64? { result.overflow ? nil : result.partialValue }
    switch self {
    case .negate: return checked(Int64(0).subtractingReportingOverflow(x[0]))
    case .absolute: return x[0] >= 0 ? x[0] : checked(Int64(0).subtractingReportingOverflow(x[0]))
    case .sign: return x[0].signum()
    case .logicalNot: return x[0] == 0 ? 1 : 0
    case .stopGradient: return x[0]
    case .add: return checked(x[0].addingReportingOverflow(x[1]))
    case .subtract: return checked(x[0].subtractingReportingOverflow(x[1]))
    case .multiply: return checked(x[0].multipliedReportingOverflow(by: x[1]))
    case .divide: return x[1] == 0 ? nil : checked(x[0].dividedReportingOverflow(by: x[1]))
    case .maximum: return max(x[0], x[1])
    case .minimum: return min(x[0], x[1])
    case .equal: return x[0] == x[1] ? 1 : 0
    case .less: return x[0] < x[1] ? 1 : 0
    case .lessOrEqual: return x[0] <= x[1] ? 1 : 0
    case .logicalAnd: return x[0] != 0 && x[1] != 0 ? 1 : 0
    case .logicalOr: return x[0] != 0 || x[1] != 0 ? 1 : 0
    case .select: return x[0] != 0 ? x[1] : x[2]
    case .clip: return min(max(x[0], x[1]), x[2])
    case .step, .relu, .exponential, .logarithm, .squareRoot, .hyperbolicTangent, .sigmoid, .errorFunction, .sine, .cosine,
      .floor, .ceiling, .roundHalfEven, .power, .smoothedStep, .smoothedStepSlope, .leakyRelu:
      return nil
    }
  }

  /// ∂y/∂x for each operand, in terms of the operands x and the result y; nil where it is zero everywhere.
  ///
  /// ReLU and Clip are written in y, which the next layer needs anyway: step(y) = step(x), and lo < y < hi ⇔ lo < x < hi.
  /// Kinks: ReLU has derivative 0 at 0, LeakyRelu its slope, and Clip 0 at both bounds, as PyTorch's relu, leaky_relu and
  /// relu6 have.
  public var partials: [ScalarExpression?] {
    let x = ScalarExpression.operand(0)
    let z = ScalarExpression.operand(1)
    let w = ScalarExpression.operand(2)
    let y = ScalarExpression.result
    func f(_ function: ScalarFunction, _ operands: ScalarExpression...) -> ScalarExpression { .apply(function, operands) }
    func when(_ condition: ScalarExpression, _ value: ScalarExpression = 1, otherwise: ScalarExpression = 0)
      -> ScalarExpression
    { f(.select, condition, value, otherwise) }
    return switch self {
    case .negate: [-1]
    case .absolute: [f(.sign, x)]
    case .relu: [f(.step, y)]
    case .smoothedStep: [f(.smoothedStepSlope, x)]
    case .smoothedStepSlope: [-3 * x * y / (x * x + .literal(Self.smoothing))]
    case .exponential: [y]
    case .logarithm: [1 / x]
    case .squareRoot: [0.5 / y]
    case .hyperbolicTangent: [1 - y * y]
    case .sigmoid: [y * (1 - y)]
    case .errorFunction: [.literal(2 / Double.pi.squareRoot()) * f(.exponential, -(x * x))]
    case .sine: [f(.cosine, x)]
    case .cosine: [-f(.sine, x)]
    case .add: [1, 1]
    case .subtract: [1, -1]
    case .multiply: [z, x]
    case .divide: [1 / z, -(y / z)]
    case .power:
      [
        when(f(.equal, z, 0), 0, otherwise: z * f(.power, x, z - 1)),
        when(f(.equal, x, 0), 0, otherwise: y * f(.logarithm, x)),
      ]
    case .maximum: [when(f(.lessOrEqual, z, x)), when(f(.less, x, z))]
    case .minimum: [when(f(.lessOrEqual, x, z)), when(f(.less, z, x))]
    case .select: [nil, when(x, 1), when(x, 0, otherwise: 1)]
    case .clip: [when(f(.logicalAnd, f(.less, z, y), f(.less, y, w))), when(f(.less, x, z)), when(f(.less, w, x))]
    case .leakyRelu: [when(f(.less, 0, x), otherwise: z), when(f(.less, 0, x), 0, otherwise: x)]
    case .sign, .step, .floor, .ceiling, .roundHalfEven, .logicalNot, .stopGradient: [nil]
    case .equal, .less, .lessOrEqual, .logicalAnd, .logicalOr: [nil, nil]
    }
  }
}

/// The loop variables with the given numbers.
func variables(_ range: Range<Int>) -> [IndexExpression] { range.map(IndexExpression.variable) }
