import IR
import TensorTypes

/// result[i] = x[i with its axes put back]: result axis a is operand axis order[a].
///
/// Constraint: (C1) `order` is a permutation of the operand's axes.
public struct Permute: Multilinear {
  public let order: [Int]

  public init(order: [Int]) { self.order = order }

  public var mnemonic: String { "permute" }
  public var attributes: Attributes { ["order": .integers(order)] }
  public var derivative: Derivative { .linear(self) }

  public var inverse: Permute {
    var inverse = order
    for (result, operand) in order.enumerated() { inverse[operand] = result }
    return Permute(order: inverse)
  }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    let x = operands[0].shape
    try require(order.sorted() == Array(0..<x.rank), operands, "\(order) is no permutation of its \(x.rank) axes")
    return TensorType(operands[0].element, Shape(order.map { x[$0] }))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    try graph.append(inverse, [cotangent])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    .map(.load(operand: 0, inverse.order.map(IndexExpression.variable)))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let strides = operands[0].shape.strides
    return operands[0].gathering(type, strides: order.map { strides[$0] })
  }
}
