import IR
import Operators
import TensorTypes

extension ImportRule {
  /// An activation: a function of one floating-point operand.
  private static func activation(_ body: @escaping @Sendable (NodeImport, Value) throws -> Value) -> ImportRule {
    ImportRule(1...1) { node in
      let x = try node.operand(0)
      try node.requireFloat(x)
      return try body(node, x)
    }
  }

  static let activations: [String: ImportRule] = [
    "Relu": ImportRule(1...1) { node in
      let x = try node.operand(0)
      return node.element(x).isFloatingPoint
        ? try node.builder.elementwise(.relu, x) : try node.builder.elementwise(.maximum, x, node.builder.scalar(0, like: x))
    },
    "Clip": ImportRule(1...3, clip),
    "LeakyRelu": activation { node, x in
      try node.builder.leakyRelu(x, slope: node.builder.scalar(try node.float("alpha", default: 0.01), like: x))
    },
    "PRelu": ImportRule(2...2) { node in
      let x = try node.operand(0)
      try node.requireFloat(x)
      let slope = try node.operand(1)
      try node.requireBroadcast(slope, to: node.shape(x))
      return try node.builder.leakyRelu(x, slope: slope)
    },
    "ThresholdedRelu": activation { node, x in
      let alpha = node.builder.scalar(try node.float("alpha", default: 1), like: x)
      let isAbove = try node.builder.elementwise(.less, alpha, x)
      return try node.builder.elementwise(.select, isAbove, x, node.builder.scalar(0, like: x))
    },
    "Shrink": activation { node, x in
      let lambda = try node.float("lambd", default: 0.5)
      let bias = try node.float("bias", default: 0)
      let builder = node.builder
      let isLow = try builder.elementwise(.less, x, builder.scalar(-lambda, like: x))
      let isHigh = try builder.elementwise(.less, builder.scalar(lambda, like: x), x)
      let high = try builder.elementwise(.select, isHigh, try builder.add(x, -bias), builder.scalar(0, like: x))
      return try builder.elementwise(.select, isLow, try builder.add(x, bias), high)
    },
    "Sigmoid": unary(.sigmoid),
    "HardSigmoid": activation { node, x in
      try node.builder.hardSigmoid(
        x, alpha: try node.float("alpha", default: 0.2), beta: try node.float("beta", default: 0.5))
    },
    "HardSwish": activation { node, x in
      try node.builder.multiply(x, try node.builder.hardSigmoid(x, alpha: 1.0 / 6, beta: 0.5))
    },
    "Swish": activation { node, x in
      let scaled = try node.builder.multiply(x, try node.float("alpha", default: 1))
      return try node.builder.multiply(x, try node.builder.elementwise(.sigmoid, scaled))
    },
    "Elu": activation { node, x in
      let alpha = try node.float("alpha", default: 1)
      return try node.builder.positivePart(
        of: x, otherwise: try node.builder.multiply(try node.builder.negativeExponentialMinusOne(x), alpha))
    },
    "Selu": activation { node, x in
      let alpha = try node.float("alpha", default: 1.67326319217681884765625)
      let gamma = try node.float("gamma", default: 1.05070102214813232421875)
      let elu = try node.builder.positivePart(
        of: x, otherwise: try node.builder.multiply(try node.builder.negativeExponentialMinusOne(x), alpha))
      return try node.builder.multiply(elu, gamma)
    },
    "Celu": activation { node, x in
      let alpha = try node.float("alpha", default: 1)
      let scaled = try node.builder.multiply(x, 1 / alpha)
      return try node.builder.positivePart(
        of: x, otherwise: try node.builder.multiply(try node.builder.negativeExponentialMinusOne(scaled), alpha))
    },
    "Gelu": activation { node, x in
      switch try node.string("approximate") ?? "none" {
      case "none": try node.builder.gelu(x)
      case "tanh": try node.builder.geluByHyperbolicTangent(x)
      case let other: throw ImportProblem("attribute approximate is \(quoted(other)); none and tanh are accepted")
      }
    },
    "Softplus": activation { try $0.builder.softplus($1) },
    "Mish": activation { node, x in
      try node.builder.multiply(x, try node.builder.elementwise(.hyperbolicTangent, try node.builder.softplus(x)))
    },
    "Softsign": activation { node, x in
      try node.builder.divide(x, try node.builder.add(try node.builder.elementwise(.absolute, x), 1))
    },
  ]

  /// min(max(x, low), high); bounds are attributes up to operator set 10 and optional inputs since.
  private static func clip(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    var low: Value?
    var high: Value?
    if node.opset < 11 {
      low = try node.float("min").map { node.builder.scalar($0, like: x) }
      high = try node.float("max").map { node.builder.scalar($0, like: x) }
    } else {
      (low, high) = (try bound(1, node), try bound(2, node))
    }
    if node.element(x).isFloatingPoint, low != nil || high != nil {
      // One bound is a clip too, which has one derivative however it is bounded.
      low = low ?? node.builder.scalar(-.infinity, like: x)
      high = high ?? node.builder.scalar(.infinity, like: x)
    }
    if let low, let high, let lowest = try node.constant(low), let highest = try node.constant(high),
      lowest.doubles[0] <= highest.doubles[0]
    {
      return try node.builder.elementwise(.clip, x, low, high)
    }
    let raised = try low.map { try node.builder.elementwise(.maximum, x, $0) } ?? x
    return try high.map { try node.builder.elementwise(.minimum, raised, $0) } ?? raised
  }

  private static func bound(_ index: Int, _ node: NodeImport) throws -> Value? {
    guard let value = node.optional(index) else { return nil }
    guard node.shape(value).elementCount == 1 else {
      throw ImportProblem("the bound (input \(index)) has the shape \(node.shape(value)); a scalar is expected")
    }
    return try node.builder.reshape(value, .scalar)
  }
}

extension NodeImport {
  /// Refuses an operand that would widen the other one.
  func requireBroadcast(_ value: Value, to shape: Shape) throws {
    let source = self.shape(value)
    let offset = shape.rank - source.rank
    guard offset >= 0, (0..<source.rank).allSatisfy({ source[$0] == 1 || source[$0] == shape[$0 + offset] }) else {
      throw ImportProblem("an operand of shape \(source) does not broadcast to \(shape)")
    }
  }
}
