import IR
import Operators
import TensorTypes

extension ImportRule {
  static let shapes: [String: ImportRule] = [
    "Reshape": ImportRule(2...2, reshape),
    "Flatten": ImportRule(1...1, flatten),
    "Squeeze": ImportRule(1...2, squeeze),
    "Unsqueeze": ImportRule(1...2, unsqueeze),
    "Transpose": ImportRule(1...1) { node in
      let x = try node.operand(0)
      let rank = node.shape(x).rank
      let order = try node.integers("perm") ?? Array((0..<rank).reversed())
      guard order.sorted() == Array(0..<rank) else {
        throw ImportProblem("attribute perm is \(order); an order of \(rank) axes is expected")
      }
      return try node.builder.permute(x, order)
    },
    "Expand": ImportRule(2...2, expand),
    "Tile": ImportRule(2...2, tile),
    "DepthToSpace": ImportRule(1...1, depthToSpace),
    "SpaceToDepth": ImportRule(1...1, spaceToDepth),
    "Identity": ImportRule(1...1) { try $0.operand(0) },
  ]

  /// 0 copies an extent (unless allowzero is set), and one −1 takes what is left.
  private static func reshape(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let source = node.shape(x)
    let wanted = try node.knownIntegers(1, "the shape")
    let allowsZero = try node.flag("allowzero")
    if let widened = try node.widenedResult(), widened.elementCount == source.elementCount {
      return try node.builder.reshape(x, widened)
    }
    var extents: [Int] = []
    for (axis, extent) in wanted.enumerated() {
      guard extent >= -1 else { throw ImportProblem("the shape \(wanted) has the negative extent \(extent)") }
      if extent == 0, !allowsZero {
        guard axis < source.rank else {
          throw ImportProblem("the shape \(wanted) copies axis \(axis) of \(source), which does not exist")
        }
        extents.append(source[axis])
      } else {
        extents.append(extent)
      }
    }
    if let free = extents.firstIndex(of: -1) {
      extents[free] = 1
      guard extents.allSatisfy({ $0 >= 0 }) else {
        throw ImportProblem("the shape \(wanted) leaves more than one extent open")
      }
      let rest = try node.checked(extents).elementCount
      guard rest > 0, source.elementCount.isMultiple(of: rest) else {
        throw ImportProblem("\(source) cannot take the shape \(wanted)")
      }
      extents[free] = source.elementCount / rest
    }
    let shape = try node.checked(extents)
    guard shape.elementCount == source.elementCount else { throw ImportProblem("\(source) cannot take the shape \(shape)") }
    return try node.builder.reshape(x, shape)
  }

  private static func flatten(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let shape = node.shape(x)
    let given = try node.integer("axis", default: 1)
    let axis = given == shape.rank ? given : try node.axis(given, rank: shape.rank)
    return try node.builder.reshape(
      x, [shape.extents[..<axis].reduce(1, *), shape.extents[axis...].reduce(1, *)])
  }

  private static func squeeze(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let shape = node.shape(x)
    let given = try node.axesAttributeOrInput(1, inputSince: 13)
    let axes = try given.map { try node.axes($0, rank: shape.rank) } ?? (0..<shape.rank).filter { shape[$0] == 1 }
    guard axes.allSatisfy({ shape[$0] == 1 }) else {
      throw ImportProblem("axes \(axes) of \(shape) are not all of extent 1")
    }
    return try node.builder.reshape(x, Shape((0..<shape.rank).filter { !axes.contains($0) }.map { shape[$0] }))
  }

  private static func unsqueeze(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    guard let given = try node.axesAttributeOrInput(1, inputSince: 13) else {
      throw ImportProblem("the list of axes is missing")
    }
    let rank = node.shape(x).rank + given.count
    let axes = try node.axes(given, rank: rank)
    var rest = node.shape(x).extents.makeIterator()
    return try node.builder.reshape(x, Shape((0..<rank).map { axes.contains($0) ? 1 : rest.next() ?? 1 }))
  }

  /// NumPy broadcasting in both directions: the shape may also be the smaller one.
  private static func expand(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let source = node.shape(x)
    let wanted = try node.knownIntegers(1, "the shape")
    let rank = max(source.rank, wanted.count)
    let extents = try (0..<rank).map { axis -> Int in
      let a = axis < rank - source.rank ? 1 : source[axis - (rank - source.rank)]
      let b = axis < rank - wanted.count ? 1 : wanted[axis - (rank - wanted.count)]
      guard a == b || a == 1 || b == 1 else { throw ImportProblem("\(source) does not broadcast to \(wanted)") }
      return a == 1 ? b : a
    }
    return try node.builder.broadcast(x, to: try node.checked(extents))
  }

  private static func tile(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let shape = node.shape(x)
    let repeats = try node.knownIntegers(1, "the list of repeats")
    guard repeats.count == shape.rank, repeats.allSatisfy({ $0 >= 0 }) else {
      throw ImportProblem("repeats \(repeats) do not fit the shape \(shape)")
    }
    let interleaved = try node.checked(zip(repeats, shape.extents).flatMap { [$0, $1] })
    let result = try node.checked(zip(repeats, shape.extents).map { $0.multipliedReportingOverflow(by: $1).partialValue })
    let repeated = try node.builder.broadcast(x, to: interleaved, axes: (0..<shape.rank).map { 2 * $0 + 1 })
    return try node.builder.reshape(repeated, result)
  }

  private static func imageAndBlock(_ node: NodeImport) throws -> (x: Value, shape: Shape, block: Int) {
    let x = try node.operand(0)
    guard let block = try node.integer("blocksize"), (1...NodeImport.windowLimit).contains(block) else {
      throw ImportProblem("attribute blocksize is missing or out of range")
    }
    guard node.shape(x).rank == 4 else {
      throw ImportProblem("its input has the shape \(node.shape(x)); rank 4 is expected")
    }
    return (x, node.shape(x), block)
  }

  private static func depthToSpace(_ node: NodeImport) throws -> Value {
    let (x, s, b) = try imageAndBlock(node)
    guard s[1].isMultiple(of: b * b) else { throw ImportProblem("\(s[1]) channels are no multiple of \(b * b)") }
    let depth = s[1] / (b * b)
    let permuted: Value
    switch try node.string("mode") ?? "DCR" {
    case "DCR":
      permuted = try node.builder.permute(try node.builder.reshape(x, [s[0], b, b, depth, s[2], s[3]]), [0, 3, 4, 1, 5, 2])
    case "CRD":
      permuted = try node.builder.permute(try node.builder.reshape(x, [s[0], depth, b, b, s[2], s[3]]), [0, 1, 4, 2, 5, 3])
    case let other: throw ImportProblem("attribute mode is \(quoted(other)); DCR and CRD are accepted")
    }
    return try node.builder.reshape(permuted, [s[0], depth, s[2] * b, s[3] * b])
  }

  private static func spaceToDepth(_ node: NodeImport) throws -> Value {
    let (x, s, b) = try imageAndBlock(node)
    guard s[2].isMultiple(of: b), s[3].isMultiple(of: b) else {
      throw ImportProblem("\(s) is no multiple of blocks of \(b)")
    }
    let blocks = try node.builder.reshape(x, [s[0], s[1], s[2] / b, b, s[3] / b, b])
    return try node.builder.reshape(
      try node.builder.permute(blocks, [0, 3, 5, 1, 2, 4]), [s[0], b * b * s[1], s[2] / b, s[3] / b])
  }
}
