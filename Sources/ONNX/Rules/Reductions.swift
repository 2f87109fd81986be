import IR
import Operators
import TensorTypes

extension ImportRule {
  private typealias Reduction = @Sendable (NodeImport, Value, [Int]) throws -> Value

  static let reductions: [String: ImportRule] = [
    "ReduceSum": reduction(inputSince: 13) { try $0.builder.sum($1, axes: $2, keepAxes: true) },
    "ReduceMean": reduction(inputSince: 18) { node, x, axes in
      if node.element(x).isFloatingPoint { return try node.builder.mean(x, axes: axes, keepAxes: true) }
      let count = axes.reduce(1) { $0 * node.shape(x)[$1] }
      return try node.builder.divide(
        try node.builder.sum(x, axes: axes, keepAxes: true), node.builder.scalar(Double(count), like: x))
    },
    "ReduceMax": reduction(inputSince: 18) { try $0.builder.maximum($1, axes: $2, keepAxes: true) },
    "ReduceMin": reduction(inputSince: 18) { try $0.builder.minimum($1, axes: $2, keepAxes: true) },
    "ReduceL1": reduction(inputSince: 18) { node, x, axes in
      try node.builder.sum(try node.builder.elementwise(.absolute, x), axes: axes, keepAxes: true)
    },
    "ReduceL2": reduction(inputSince: 18) { node, x, axes in
      let sum = try node.builder.sum(try node.builder.multiply(x, x), axes: axes, keepAxes: true)
      return try node.builder.elementwise(.squareRoot, sum)
    },
    "ReduceSumSquare": reduction(inputSince: 18) { node, x, axes in
      try node.builder.sum(try node.builder.multiply(x, x), axes: axes, keepAxes: true)
    },
    "ReduceLogSum": reduction(inputSince: 18) { node, x, axes in
      try node.builder.elementwise(.logarithm, try node.builder.sum(x, axes: axes, keepAxes: true))
    },
    "ReduceLogSumExp": reduction(inputSince: 18) { node, x, axes in
      try node.requireFloat(x)
      return try node.builder.logSumExp(x, axes: axes)
    },
    "ArgMax": ImportRule(1...1) { try indexOfExtremum($0, negated: false) },
    "ArgMin": ImportRule(1...1) { try indexOfExtremum($0, negated: true) },
  ]

  /// A reduction over axes that are an attribute before `inputSince` and an input since. `body` keeps them with extent 1.
  private static func reduction(inputSince: Int64, _ body: @escaping Reduction) -> ImportRule {
    ImportRule(1...2) { node in
      let x = try node.operand(0)
      let rank = node.shape(x).rank
      let keepsAxes = try node.flag("keepdims", default: true)
      let given = try node.axesAttributeOrInput(1, inputSince: inputSince)
      let isIdentity = try node.opset >= inputSince && node.flag("noop_with_empty_axes")
      var axes = try node.axes(given ?? [], rank: rank).sorted()
      if axes.isEmpty, !isIdentity { axes = Array(0..<rank) }
      let reduced = try body(node, x, axes)
      if keepsAxes { return reduced }
      let kept = (0..<rank).filter { !axes.contains($0) }.map { node.shape(reduced)[$0] }
      return try node.builder.reshape(reduced, Shape(kept))
    }
  }

  private static func indexOfExtremum(_ node: NodeImport, negated: Bool) throws -> Value {
    var x = try node.operand(0)
    let rank = node.shape(x).rank
    let axis = try node.axis(try node.integer("axis", default: 0), rank: rank)
    let keepsAxes = try node.flag("keepdims", default: true)
    if try node.flag("select_last_index") { throw ImportProblem("attribute select_last_index is 1; 0 is accepted") }
    if negated { x = try node.builder.elementwise(.negate, x) }
    let kept = (0..<rank).filter { $0 != axis }
    let ordered = try node.builder.permute(x, kept + [axis])
    let index = try node.builder.append(IndexOfMaximum(batchRank: rank - 1), [ordered])
    var extents = node.shape(x).extents
    extents[axis] = 1
    return keepsAxes ? try node.builder.reshape(index, Shape(extents)) : index
  }
}
