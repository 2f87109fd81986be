import IR
import Operators
import TensorTypes

extension ImportRule {
  static let selections: [String: ImportRule] = [
    "Concat": ImportRule(variadic) { node in
      let operands = try node.allOperands()
      let axis = try node.axis(try node.integer("axis", default: 1), rank: node.shape(operands[0]).rank)
      return operands.count == 1 ? operands[0] : try node.builder.append(Concatenate(axis: axis), operands)
    },
    "Slice": ImportRule(1...5, slice),
    "Split": ImportRule(1...2, outputs: variadic, split),
    "Gather": ImportRule(2...2, gather),
  ]

  /// Slice-1 with attributes, Slice-10, -11, -13 with inputs; bounds beyond the axis are clamped as in NumPy.
  private static func slice(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let shape = node.shape(x)
    let starts: [Int]
    let ends: [Int]
    let steps: [Int]
    let axes: [Int]
    if node.opset < 10 {
      guard let from = try node.integers("starts"), let to = try node.integers("ends") else {
        throw ImportProblem("attributes starts and ends are missing")
      }
      (starts, ends) = (from, to)
      axes = try node.axes(try node.integers("axes") ?? Array(starts.indices), rank: shape.rank)
      steps = starts.map { _ in 1 }
    } else {
      starts = try node.knownIntegers(1, "the list of starts")
      ends = try node.knownIntegers(2, "the list of ends")
      let given = node.optional(3) == nil ? Array(starts.indices) : try node.knownIntegers(3, "the list of axes")
      axes = try node.axes(given, rank: shape.rank)
      steps = node.optional(4) == nil ? starts.map { _ in 1 } : try node.knownIntegers(4, "the list of steps")
    }
    guard starts.count == ends.count, starts.count == axes.count, starts.count == steps.count else {
      throw ImportProblem("starts, ends, axes and steps differ in number")
    }
    var start = shape.extents.map { _ in 0 }
    var limit = shape.extents
    var stride = shape.extents.map { _ in 1 }
    var reversed: [(axis: Int, positions: [Int])] = []
    for (entry, axis) in axes.enumerated() {
      let extent = shape[axis]
      let step = steps[entry]
      guard step != 0, step != .min else { throw ImportProblem("the step along axis \(axis) is \(step)") }
      func clamped(_ position: Int, _ lower: Int, _ upper: Int) -> Int {
        min(max(position < 0 ? position + extent : position, lower), upper)
      }
      if step > 0 {
        start[axis] = clamped(starts[entry], 0, extent)
        limit[axis] = max(start[axis], clamped(ends[entry], 0, extent))
        stride[axis] = min(step, max(extent, 1))
      } else {
        let first = clamped(starts[entry], -1, extent - 1)
        let last = clamped(ends[entry], -1, extent - 1)
        let stepDown = min(-step, max(extent, 1))
        reversed.append((axis, Array(Swift.stride(from: first, to: last, by: -stepDown))))
      }
    }
    var result = x
    if start.contains(where: { $0 != 0 }) || limit != shape.extents || stride.contains(where: { $0 != 1 }) {
      result = try node.builder.append(Slice(start: start, limit: limit, stride: stride), [x])
    }
    for (axis, positions) in reversed { result = try node.gather(result, axis: axis, positions) }
    return result
  }

  /// Split-2 and -11 with an attribute, -13 with an input, -18 also into equal parts.
  private static func split(_ node: NodeImport) throws -> [Value] {
    let x = try node.operand(0)
    let shape = node.shape(x)
    let axis = try node.axis(try node.integer("axis", default: 0), rank: shape.rank)
    let extent = shape[axis]
    let count = node.opset >= 18 ? try node.integer("num_outputs") ?? node.node.outputs.count : node.node.outputs.count
    let given: [Int]? =
      if node.opset < 13 { try node.integers("split") } else {
        node.optional(1) == nil ? nil : try node.knownIntegers(1, "the list of extents")
      }
    guard (1...max(node.node.outputs.count, 1)).contains(count) else {
      throw ImportProblem("attribute num_outputs is \(count), but the node has \(node.node.outputs.count) outputs")
    }
    let part = (extent + count - 1) / count
    let parts = given ?? (0..<count).map { min(part, max(extent - $0 * part, 0)) }
    guard parts.count == node.node.outputs.count, parts.allSatisfy({ (0...extent).contains($0) }),
      parts.reduce(0, +) == extent, given != nil || node.opset >= 18 || extent.isMultiple(of: count)
    else {
      throw ImportProblem(
        "axis \(axis) of \(shape) cannot be split into \(node.node.outputs.count) parts\(given.map { " of \($0)" } ?? "")")
    }
    var from = 0
    var results: [Value] = []
    for extent in parts {
      results.append(try node.builder.slice(x, axis: axis, from: from, to: from + extent))
      from += extent
    }
    return results
  }

  /// Negative indices count from the end. One known index is a slice.
  private static func gather(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let indices = try node.operand(1)
    let shape = node.shape(x)
    let indexShape = node.shape(indices)
    let axis = try node.axis(try node.integer("axis", default: 0), rank: shape.rank)
    guard node.element(indices).isInteger else {
      throw ImportProblem("indices are \(node.element(indices).rawValue); integers are expected")
    }
    let extents = shape.extents[..<axis] + indexShape.extents + shape.extents[(axis + 1)...]
    _ = try node.checked(Array(extents))
    let builder = node.builder
    guard let known = try node.constant(indices) else {
      let isNegative = try builder.elementwise(.less, indices, builder.scalar(0, like: indices))
      let wrapped = try builder.add(indices, Double(shape[axis]))
      return try builder.append(Gather(axis: axis), [x, try builder.elementwise(.select, isNegative, wrapped, indices)])
    }
    let extent = Int64(shape[axis])
    guard let bad = known.integers.first(where: { !(-extent..<extent).contains($0) }) else {
      let positions = known.integers.map { Int($0 < 0 ? $0 + extent : $0) }
      if positions.count == 1 {
        return try builder.reshape(
          try builder.slice(x, axis: axis, from: positions[0], to: positions[0] + 1), Shape(Array(extents)))
      }
      return try node.gather(x, axis: axis, positions, shape: indexShape)
    }
    throw ImportProblem("index \(bad) is outside of axis \(axis) of \(shape)")
  }
}

extension NodeImport {
  /// x at constant positions along an axis.
  func gather(_ x: Value, axis: Int, _ positions: [Int], shape: Shape? = nil) throws -> Value {
    let indices = HostTensor(TensorType(.int64, shape ?? [positions.count]), .integer(positions.map(Int64.init)))
    return try builder.append(Gather(axis: axis), [x, builder.constant(indices, name: "\(node.label).indices")])
  }
}
