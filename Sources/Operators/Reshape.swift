import IR
import TensorTypes

/// The same elements in row-major order under another shape.
///
/// Constraint: (C1) both shapes hold as many elements.
public struct Reshape: Multilinear {
  public let shape: Shape

  public init(shape: Shape) { self.shape = shape }

  public var mnemonic: String { "reshape" }
  public var attributes: Attributes { ["shape": .integers(shape.extents)] }
  public var derivative: Derivative { .linear(self) }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    try require(
      shape.elementCount == operands[0].shape.elementCount, operands, "\(shape) holds \(shape.elementCount) elements")
    return TensorType(operands[0].element, shape)
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    try graph.append(Reshape(shape: graph.shape(of: operands[0])), [cotangent])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    .map(.load(operand: 0, Reshape.index(variables(0..<type.shape.rank), from: type.shape, to: operands[0].shape)))
  }

  /// The index in `target` of the element that has `index` in `source`. Runs of axes with equal products are matched first,
  /// so that inserted and dropped axes of extent 1 and split axes need no division by the whole size.
  public static func index(_ index: [IndexExpression], from source: Shape, to target: Shape) -> [IndexExpression] {
    var result = [IndexExpression](repeating: .constant(0), count: target.rank)
    var i = 0
    var j = 0
    while i < source.rank || j < target.rank {
      var sourceRun: [Int] = []
      var targetRun: [Int] = []
      var sourceSize = 1
      var targetSize = 1
      repeat {
        if j == target.rank || (i < source.rank && sourceSize <= targetSize) {
          sourceRun.append(i)
          sourceSize *= source[i]
          i += 1
        } else {
          targetRun.append(j)
          targetSize *= target[j]
          j += 1
        }
      } while sourceSize != targetSize && (i < source.rank || j < target.rank)
      let significant = targetRun.filter { target[$0] != 1 }
      let sources = sourceRun.filter { source[$0] != 1 }
      if sources.count == 1, significant.count == 1 {
        result[significant[0]] = index[sources[0]]
        continue
      }
      var linear = IndexExpression.constant(0)
      for axis in sources { linear = linear * source[axis] + index[axis] }
      var below = 1
      for (position, axis) in significant.enumerated().reversed() {
        let quotient: IndexExpression = below == 1 ? linear : .floorDivide(linear, below)
        result[axis] = position == 0 ? quotient : .modulo(quotient, target[axis])
        below *= target[axis]
      }
    }
    return result
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor { operands[0].reshaped(shape) }
}
