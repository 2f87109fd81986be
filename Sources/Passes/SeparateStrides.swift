import IR
import Operators
import TensorTypes

/// A convolution with a 1 × 1 filter and strides → a slice of the positions that it visits, and a dense convolution of them;
/// its backward-data → a dense convolution, and zeros between the results.
///
/// A dense one runs over all positions of an image in tiles of nearly one size, where rows of 7 or 14 are cut into shorter
/// ones. Pays where code is generated; the value stays the same.
public enum SeparateStrides: Pass {
  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    try graph.rewritten { (node, _, operands, builder) throws(TypeError) -> Value? in
      guard let convolution = node.operation as? Convolution, convolution.solving != .filter,
        convolution.strides.count == 2, convolution.strides != [1, 1], convolution.pads == [0, 0], convolution.groups == 1
      else { return nil }
      let isForward = convolution.solving == .output
      let (source, filter) = isForward ? (operands[0], operands[1]) : (operands[1], operands[0])
      guard builder.nodes[filter.index].constant != nil, builder.shape(of: filter).extents[2...] == [1, 1] else {
        return nil
      }

      let shape = node.type.shape
      let strides = [1, 1] + convolution.strides
      func dense(_ x: Value) throws(TypeError) -> Value {
        let extents = builder.shape(of: x).extents[2...]
        let operation = Convolution(
          solving: convolution.solving, strides: [1, 1], pads: [0, 0], dilations: [1, 1], groups: 1,
          shape: Shape([shape[0], shape[1]] + extents))
        return try builder.append(operation, isForward ? [x, filter] : [filter, x])
      }
      if isForward {
        let limit = [shape[0], builder.shape(of: source)[1]] + (2..<4).map { (shape[$0] - 1) * strides[$0] + 1 }
        return try dense(try builder.append(Slice(start: [0, 0, 0, 0], limit: limit, stride: strides), [source]))
      }
      let x = try dense(source)
      let visited = builder.shape(of: x)
      let high = (0..<4).map { shape[$0] - 1 - (visited[$0] - 1) * strides[$0] }
      return try builder.append(Pad(low: [0, 0, 0, 0], high: high, interior: strides.map { $0 - 1 }), [x])
    }
  }
}
