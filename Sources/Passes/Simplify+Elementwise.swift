import IR
import Operators
import TensorTypes

extension Simplify {
  static let elementwiseRules: [RewriteRule] = [
    RewriteRule("x + 0 = x") { site in site.function == .add ? site.operand(beside: 0) : nil },
    RewriteRule("x - 0 = x") { site in
      site.function == .subtract && site.isUniform(site.operands[1], 0) ? site.operands[0] : nil
    },
    RewriteRule("0 - x = -x") { site throws(TypeError) in
      guard site.function == .subtract, site.isUniform(site.operands[0], 0) else { return nil }
      return try site.builder.append(Elementwise(.negate), [site.operands[1]])
    },
    RewriteRule("x · 1 = x") { site in site.function == .multiply ? site.operand(beside: 1) : nil },
    RewriteRule("x · -1 = -x") { site throws(TypeError) in
      guard site.function == .multiply, let x = site.operand(beside: -1) else { return nil }
      return try site.builder.append(Elementwise(.negate), [x])
    },
    RewriteRule("x / 1 = x") { site in
      site.function == .divide && site.isUniform(site.operands[1], 1) ? site.operands[0] : nil
    },
    RewriteRule("-(-x) = x") { site in
      site.function == .negate ? site.argument(of: .negate, site.operands[0]) : nil
    },
    RewriteRule("-(x - y) = y - x") { site throws(TypeError) in
      guard site.function == .negate, let (inner, xy) = site.definition(site.operands[0], Elementwise.self),
        inner.function == .subtract
      else { return nil }
      return try site.builder.append(inner, [xy[1], xy[0]])
    },
    RewriteRule("x + -y = x - y") { site throws(TypeError) in
      guard site.function == .add else { return nil }
      if let y = site.argument(of: .negate, site.operands[1]) {
        return try site.builder.append(Elementwise(.subtract), [site.operands[0], y])
      }
      guard let y = site.argument(of: .negate, site.operands[0]) else { return nil }
      return try site.builder.append(Elementwise(.subtract), [site.operands[1], y])
    },
    RewriteRule("x - -y = x + y") { site throws(TypeError) in
      guard site.function == .subtract, let y = site.argument(of: .negate, site.operands[1]) else { return nil }
      return try site.builder.append(Elementwise(.add), [site.operands[0], y])
    },
    RewriteRule("-x · -y = x · y") { site throws(TypeError) in
      guard site.function == .multiply, let x = site.argument(of: .negate, site.operands[0]),
        let y = site.argument(of: .negate, site.operands[1])
      else { return nil }
      return try site.builder.append(Elementwise(.multiply), [x, y])
    },
    RewriteRule("(x · a) · b = x · (a · b) for numbers a and b") { site throws(TypeError) in
      guard site.function == .multiply, let (inner, number) = site.besideNumber(site.operands),
        site.type.element.isFloatingPoint, let (operation, factors) = site.definition(inner, Elementwise.self),
        operation.function == .multiply, let (x, innerNumber) = site.besideNumber(factors)
      else { return nil }
      let product = number * innerNumber
      guard abs(product) > 1e-30, abs(product) < 1e30 else { return nil }
      return try site.builder.append(operation, [x, try site.filled(product, site.shape)])
    },
    RewriteRule("x ^ 1 = x") { site in
      site.function == .power && site.isUniform(site.operands[1], 1) ? site.operands[0] : nil
    },
    RewriteRule("x ^ 2 = x · x") { site throws(TypeError) in
      guard site.function == .power, site.isUniform(site.operands[1], 2) else { return nil }
      return try site.builder.append(Elementwise(.multiply), [site.operands[0], site.operands[0]])
    },
    RewriteRule("select(c, x, x) = x") { site in
      guard site.function == .select else { return nil }
      if site.operands[1] == site.operands[2] { return site.operands[1] }
      guard let number = site.uniform(site.operands[1]), site.isUniform(site.operands[2], number) else { return nil }
      return site.operands[1]
    },
    RewriteRule("select(true, x, y) = x, select(false, x, y) = y") { site in
      guard site.function == .select, let condition = site.uniform(site.operands[0]) else { return nil }
      return condition != 0 ? site.operands[1] : site.operands[2]
    },
    RewriteRule("select(not c, x, y) = select(c, y, x)") { site throws(TypeError) in
      guard site.function == .select, let condition = site.argument(of: .logicalNot, site.operands[0]) else { return nil }
      return try site.builder.append(site.operation, [condition, site.operands[2], site.operands[1]])
    },
    RewriteRule("select(c, select(c, x, _), select(c, _, y)) = select(c, x, y)") { site throws(TypeError) in
      guard site.function == .select else { return nil }
      let condition = site.operands[0]
      func chosen(_ branch: Int) -> Value {
        guard let (inner, operands) = site.definition(site.operands[branch], Elementwise.self), inner.function == .select,
          operands[0] == condition
        else { return site.operands[branch] }
        return operands[branch]
      }
      let branches = [condition, chosen(1), chosen(2)]
      return branches == site.operands ? nil : try site.builder.append(site.operation, branches)
    },
    RewriteRule("not(not c) = c") { site in
      site.function == .logicalNot ? site.argument(of: .logicalNot, site.operands[0]) : nil
    },
    RewriteRule("f(broadcast x, broadcast y) = broadcast f(x, y)") { site throws(TypeError) in
      guard site.function != nil else { return nil }
      var axes: [Int]?
      var operands: [Value?] = []
      for operand in site.operands {
        guard let (broadcast, x) = site.definition(operand, Broadcast.self) else { return nil }
        // A scalar goes with every shape.
        if broadcast.axes.isEmpty && site.operands.count > 1 {
          operands.append(nil)
          continue
        }
        guard axes == nil || axes == broadcast.axes else { return nil }
        axes = broadcast.axes
        operands.append(x[0])
      }
      let kept = axes ?? []
      let compact = Shape(kept.map { site.shape[$0] })
      guard compact.elementCount < site.shape.elementCount else { return nil }
      var narrow: [Value] = []
      for (operand, x) in zip(site.operands, operands) {
        if let x {
          narrow.append(x)
        } else if let (_, scalar) = site.definition(operand, Broadcast.self) {
          narrow.append(try site.builder.broadcast(scalar[0], to: compact))
        }
      }
      return try site.builder.broadcast(
        try site.builder.append(site.operation, narrow), to: site.shape, axes: kept)
    },
    RewriteRule("f(reshape x, reshape y) = reshape f(x, y)") { site throws(TypeError) in
      guard let operands = try site.beneath(Reshape.self, { $0.shape == $1.shape }) else { return nil }
      return try site.builder.reshape(try site.builder.append(site.operation, operands), site.shape)
    },
    RewriteRule("f(permute x, permute y) = permute f(x, y)") { site throws(TypeError) in
      guard let operands = try site.beneath(Permute.self, { $0.order == $1.order }),
        let order = site.operands.lazy.compactMap({ site.definition($0, Permute.self)?.operation.order }).first
      else { return nil }
      return try site.builder.permute(try site.builder.append(site.operation, operands), order)
    },
  ]

  static let convertRules: [RewriteRule] = [
    RewriteRule("convert(x) to its own type = x") { site in
      site.builder.type(of: site.operands[0]) == site.type ? site.operands[0] : nil
    },
    RewriteRule("convert(convert(x)) to a wider type and back = x") { site in
      guard let (wide, x) = site.definition(site.operands[0], Convert.self), site.builder.type(of: x[0]) == site.type
      else { return nil }
      return switch (site.type.element, wide.element) {
      case (.float32, .float64), (.int32, .int64), (.boolean, _): x[0]
      default: nil
      }
    },
  ]
}

extension RewriteSite {
  /// A pair of operands as the one that is no number, and the number.
  fileprivate func besideNumber(_ operands: [Value]) -> (Value, Double)? {
    if let number = uniform(operands[1]), uniform(operands[0]) == nil { return (operands[0], number) }
    if let number = uniform(operands[0]), uniform(operands[1]) == nil { return (operands[1], number) }
    return nil
  }

  /// The operands beneath the same rearrangement of each; uniform ones, of which there must be another, follow the shape.
  fileprivate func beneath<Kind: Operator>(_ kind: Kind.Type, _ isSame: (Kind, Kind) -> Bool) throws(TypeError) -> [Value]? {
    var found: (operation: Kind, shape: Shape)?
    for operand in operands where uniform(operand) == nil {
      guard let (operation, x) = definition(operand, kind) else { return nil }
      if let found {
        guard isSame(operation, found.operation), shape(of: x[0]) == found.shape else { return nil }
      }
      found = (operation, shape(of: x[0]))
    }
    guard let found else { return nil }
    var narrow: [Value] = []
    for operand in operands {
      if let number = uniform(operand) {
        narrow.append(try builder.broadcast(builder.scalar(number, builder.type(of: operand).element), to: found.shape))
      } else if let (_, x) = definition(operand, kind) {
        narrow.append(x[0])
      }
    }
    return narrow
  }
}
