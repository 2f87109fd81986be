import IR
import Operators
import TensorTypes

extension Samples {
  static let elementwise: [Sample] =
    ScalarFunction.allCases.flatMap { samples(of: $0) }
    + derivatives.flatMap { derivative in
      ScalarFunction.allCases.filter(derivative.isDefined).flatMap { samples(of: $0, declaring: derivative) }
    }

  /// Every derivative but the plain one that an elementwise operation can declare.
  public static let derivatives: [KinkDerivative] = [
    .smoothed, .sigmoid, .softplus(sharpness: 4), .guided, .straightThrough,
  ]

  /// The operations that declare another derivative than that of their value.
  public static let surrogates: [Sample] = all.filter(\.isSurrogate)

  private static func samples(of function: ScalarFunction, declaring derivative: KinkDerivative = .plain) -> [Sample] {
    var g = SeededGenerator(seed: UInt64(function.rawValue.utf8.reduce(17) { $0 * 31 % 1_000_003 + Int($1) }))
    let operation = Elementwise(function, declaring: derivative)
    func sample(_ operands: [HostTensor], _ note: String = "") -> Sample { Sample(operation, operands, note) }
    let matrix: Shape = [2, 3]
    let vector: Shape = [5]
    switch function {
    case .negate, .absolute, .sign:
      return [
        sample([g.tensor(matrix)]), sample([g.tensor(vector, .float64)]),
        sample([g.integers(vector, in: -5..<5)], "integers"),
      ]
    case .step, .relu, .floor, .ceiling, .roundHalfEven, .hyperbolicTangent, .sigmoid, .errorFunction, .sine, .cosine,
      .exponential, .smoothedStep:
      return [
        sample([g.tensor(matrix)]), sample([g.tensor(vector, .float64, in: -4...4)]), sample([g.tensor([])], "scalar"),
      ]
    // Differences follow it where it is not a hundredth wide.
    case .smoothedStepSlope:
      return [sample([g.tensor(matrix, in: 0.3...3)]), sample([g.tensor(vector, .float64, in: -4 ... -0.3)])]
    case .logarithm, .squareRoot:
      return [sample([g.tensor(matrix, in: 0.2...3)]), sample([g.tensor(vector, .float64, in: 0.2...9)])]
    case .stopGradient:
      return [sample([g.tensor(matrix)]), sample([g.tensor(vector, .float64)]), sample([g.booleans(vector)])]
    case .logicalNot: return [sample([g.booleans(matrix)]), sample([g.booleans(vector)])]
    case .logicalAnd, .logicalOr:
      return [sample([g.booleans(matrix), g.booleans(matrix)]), sample([g.booleans(vector), g.booleans(vector)])]
    case .add, .subtract, .multiply:
      return [
        sample([g.tensor(matrix), g.tensor(matrix)]), sample([g.tensor(vector, .float64), g.tensor(vector, .float64)]),
        sample([g.integers(vector, in: -9..<9), g.integers(vector, in: -9..<9)], "integers"),
      ]
    case .divide:
      return [
        sample([g.tensor(matrix), g.tensor(matrix, in: 0.2...2)]),
        sample([g.tensor(vector, .float64), g.tensor(vector, .float64, in: -2 ... -0.2)]),
        sample([g.integers(vector, in: -99..<99), g.integers(vector, in: 1..<9)], "integers"),
      ]
    case .power:
      return [
        sample([g.tensor(matrix, in: 0.2...2), g.tensor(matrix, in: -2...3)]),
        sample([g.tensor(vector, .float64, in: 0.2...2), g.tensor(vector, .float64)]),
      ]
    case .leakyRelu:
      return [
        sample([g.tensor(matrix), g.tensor(matrix, in: 0.05...0.4)]),
        sample([g.tensor(vector, .float64, in: -4...4), g.tensor(vector, .float64)]),
      ]
    case .maximum, .minimum, .less, .lessOrEqual, .equal:
      let x = g.tensor(matrix)
      let y = g.tensor(vector, .float64)
      return [
        sample([x, apart(from: x, &g)]), sample([y, apart(from: y, &g)]),
        sample([g.integers(vector, in: 0..<3), g.integers(vector, in: 0..<3)], "integers"),
      ]
    case .select:
      return [
        sample([g.booleans(matrix), g.tensor(matrix), g.tensor(matrix)]),
        sample([g.booleans(vector), g.tensor(vector, .float64), g.tensor(vector, .float64)]),
        sample([g.booleans(vector), g.integers(vector, in: 0..<9), g.integers(vector, in: 0..<9)], "integers"),
      ]
    case .clip:
      let bounds: [Double] = [-0.5, -0.5, -.infinity, -.infinity, 0]
      let others: [Double] = [0.5, .infinity, 0.5, .infinity, 6]
      let float64 = TensorType(.float64, vector)
      let oneSided = [
        g.tensor(vector, .float64, in: -3...3), HostTensor(float64, .double(bounds)), HostTensor(float64, .double(others)),
      ]
      let floatingPoint = [
        sample(
          [g.tensor(matrix, in: -2...2), g.tensor(matrix, in: -0.99 ... -0.51), g.tensor(matrix, in: 0.51...0.99)]
            .enumerated().map { $0.offset == 0 ? awayFromBounds($0.element) : $0.element }),
        sample([
          awayFromBounds(g.tensor(vector, .float64, in: -3...3)), g.tensor(vector, .float64, in: -0.99 ... -0.51),
          g.tensor(vector, .float64, in: 0.51...0.99),
        ]),
      ]
      if derivative != .plain { return floatingPoint + [sample(oneSided)] }
      return floatingPoint + [
        sample(
          [g.integers(vector, in: -9..<9), g.integers(vector, in: -3..<0), g.integers(vector, in: 0..<3)], "integers")
      ]
    }
  }

  /// Elements that differ from those of `x` by 0.1 to 0.5 in either direction.
  private static func apart(from x: HostTensor, _ g: inout SeededGenerator) -> HostTensor {
    let elements = x.doubles.map { $0 + (Bool.random(using: &g) ? 1 : -1) * Double.random(in: 0.1...0.5, using: &g) }
    return HostTensor(x.type, .double(elements))
  }

  /// Elements outside of 0.5 ... 1 in magnitude, where the bounds of the clip samples lie.
  private static func awayFromBounds(_ x: HostTensor) -> HostTensor {
    HostTensor(x.type, .double(x.doubles.map { (0.5...1.01).contains(abs($0)) ? $0 / 4 : $0 }))
  }
}
