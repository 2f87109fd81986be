import IR
import Operators
import TensorTypes

extension ImportRule {
  static let convolutions: [String: ImportRule] = [
    "Conv": ImportRule(2...3, convolution),
    "ConvTranspose": ImportRule(2...3, transposedConvolution),
  ]

  /// The first two operands: floating-point, of one rank with at least one spatial axis.
  private static func inputAndFilter(_ node: NodeImport) throws -> (x: Value, filter: Value) {
    let x = try node.operand(0)
    let filter = try node.operand(1)
    try node.requireFloat(x)
    let input = node.shape(x)
    let weights = node.shape(filter)
    guard input.rank >= 3, weights.rank == input.rank else {
      throw ImportProblem("input \(input) and filter \(weights) need one rank of at least 3")
    }
    return (x, filter)
  }

  /// Conv-1, -11, -22: [N, C, I...] with a filter [K, C/group, F...] and a bias [K].
  private static func convolution(_ node: NodeImport) throws -> Value {
    let (x, filter) = try inputAndFilter(node)
    let input = node.shape(x)
    let weights = node.shape(filter)
    let groups = try groups(node)
    let frame = try SlidingWindow(node, kernel: Array(weights.extents[2...]))
    let (low, high) = try frame.pads(over: Array(input.extents[2...]))
    guard (low + high).allSatisfy({ $0 >= 0 }) else { throw ImportProblem("negative pads are not supported") }
    let result = try node.builder.convolution(
      x, filter, strides: frame.strides, padsLow: low, padsHigh: high, dilations: frame.dilations, groups: groups)
    return try addBias(2, to: result, node)
  }

  /// ConvTranspose-1, -11, -22: the convolution that maps the result to x, solved for its input.
  private static func transposedConvolution(_ node: NodeImport) throws -> Value {
    let (x, filter) = try inputAndFilter(node)
    let input = node.shape(x)
    let weights = node.shape(filter)
    let groups = try groups(node)
    let spatial = input.rank - 2
    let frame = try SlidingWindow(node, kernel: Array(weights.extents[2...]))
    let outputPadding =
      try node.windowIntegers("output_padding", count: spatial, 0...) ?? [Int](repeating: 0, count: spatial)
    let outputShape = try node.windowIntegers("output_shape", count: spatial, 0...)
    var extents = [input[0], weights[1] * groups]
    var pads: [Int] = []
    for axis in 0..<spatial {
      let full =
        (input[axis + 2] - 1) * frame.strides[axis] + (weights[axis + 2] - 1) * frame.dilations[axis] + 1
        + outputPadding[axis]
      let explicit = frame.explicitPads
      let extent: Int
      switch (outputShape, frame.padding) {
      case (let wanted?, _): extent = wanted[axis]
      case (nil, .same): extent = input[axis + 2] * frame.strides[axis]
      case (nil, .explicit): extent = full - explicit[axis] - explicit[axis + spatial]
      case (nil, .valid): extent = full
      }
      extents.append(extent)
      let total = max(full - extent, 0)
      switch (outputShape, frame.padding) {
      case (nil, .explicit): pads.append(explicit[axis])
      case (nil, .valid): pads.append(0)
      case (_, .same(let extraLow)): pads.append(extraLow ? total - total / 2 : total / 2)
      default: pads.append(total - total / 2)
      }
    }
    let result = try node.builder.append(
      Convolution(
        solving: .input, strides: frame.strides, pads: pads, dilations: frame.dilations, groups: groups,
        shape: try node.checked(extents)),
      [filter, x])
    return try addBias(2, to: result, node)
  }

  private static func groups(_ node: NodeImport) throws -> Int {
    let groups = try node.integer("group", default: 1)
    guard (1...NodeImport.windowLimit).contains(groups) else {
      throw ImportProblem("attribute group is \(groups); 1 to \(NodeImport.windowLimit) groups are accepted")
    }
    return groups
  }

  private static func addBias(_ index: Int, to result: Value, _ node: NodeImport) throws -> Value {
    guard let bias = node.optional(index) else { return result }
    guard node.shape(bias) == [node.shape(result)[1]] else {
      throw ImportProblem("the bias has the shape \(node.shape(bias)); [\(node.shape(result)[1])] is expected")
    }
    return try node.builder.addChannelBias(result, bias)
  }
}
