import IR
import Operators
import TensorTypes

extension ImportRule {
  /// An elementwise function of one operand.
  static func unary(_ function: ScalarFunction) -> ImportRule {
    ImportRule(1...1) { try $0.builder.elementwise(function, $0.operand(0)) }
  }

  /// An elementwise function of two operands under NumPy broadcasting.
  static func binary(_ function: ScalarFunction) -> ImportRule {
    ImportRule(2...2) { try $0.builder.elementwise(function, $0.operand(0), $0.operand(1)) }
  }

  /// A two-operand function folded over any number of operands, from the left.
  static func folding(_ function: ScalarFunction) -> ImportRule {
    ImportRule(variadic) { node in
      let operands = try node.allOperands()
      return try operands.dropFirst().reduce(operands[0]) { try node.builder.elementwise(function, $0, $1) }
    }
  }

  static let arithmetic: [String: ImportRule] = [
    "Add": binary(.add),
    "Sub": binary(.subtract),
    "Mul": binary(.multiply),
    "Div": binary(.divide),
    "Pow": ImportRule(2...2, power),
    "Mod": ImportRule(2...2, modulo),
    "Max": folding(.maximum),
    "Min": folding(.minimum),
    "Sum": folding(.add),
    "Mean": ImportRule(variadic) { node in
      let operands = try node.allOperands()
      try node.requireFloat(operands[0])
      let sum = try operands.dropFirst().reduce(operands[0]) { try node.builder.add($0, $1) }
      return try node.builder.multiply(sum, 1 / Double(operands.count))
    },
    "Neg": unary(.negate),
    "Abs": unary(.absolute),
    "Sign": unary(.sign),
    "Sqrt": unary(.squareRoot),
    "Exp": unary(.exponential),
    "Log": unary(.logarithm),
    "Sin": unary(.sine),
    "Cos": unary(.cosine),
    "Tan": ImportRule(1...1) { node in
      let x = try node.operand(0)
      return try node.builder.divide(try node.builder.elementwise(.sine, x), try node.builder.elementwise(.cosine, x))
    },
    "Tanh": unary(.hyperbolicTangent),
    "Erf": unary(.errorFunction),
    "Floor": unary(.floor),
    "Ceil": unary(.ceiling),
    "Round": unary(.roundHalfEven),
    "Reciprocal": ImportRule(1...1) { node in
      let x = try node.operand(0)
      try node.requireFloat(x)
      return try node.builder.divide(node.builder.scalar(1, like: x), x)
    },
  ]

  /// x^y. Squares are products; integers are raised to small constant powers.
  private static func power(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let y = try node.operand(1)
    let exponent = try node.constant(y)
    let isScalar = exponent?.storage.count == 1 && node.shape(y).rank <= node.shape(x).rank
    if isScalar, exponent?.doubles == [2] {
      return try node.builder.multiply(x, x)
    }
    guard node.element(x).isFloatingPoint else {
      guard isScalar, let power = exponent?.doubles.first, (1...16).contains(power), power == power.rounded() else {
        throw ImportProblem("integers are raised only to constant whole powers from 1 to 16")
      }
      return try (1..<Int(power)).reduce(x) { product, _ in try node.builder.multiply(product, x) }
    }
    return try node.builder.elementwise(.power, x, try node.builder.convert(y, to: node.element(x)))
  }

  /// x − y · ⌊x / y⌋ on integers; with fmod = 1 the quotient is truncated.
  private static func modulo(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let y = try node.operand(1)
    let truncates = try node.flag("fmod")
    guard node.element(x).isInteger else {
      throw ImportProblem("it computes on \(node.element(x).rawValue); integers are accepted")
    }
    let builder = node.builder
    let remainder = try builder.subtract(x, try builder.multiply(y, try builder.divide(x, y)))
    if truncates { return remainder }
    let zero = builder.scalar(0, like: x)
    let isOpposed = try builder.elementwise(.less, try builder.multiply(try builder.elementwise(.sign, remainder), y), zero)
    return try builder.elementwise(.select, isOpposed, try builder.add(remainder, y), remainder)
  }
}
