import IR
import TensorTypes

/// result[i] = x[i restricted to `axes`]: operand axis a becomes result axis axes[a]; the other result axes repeat it.
///
/// Constraints: (C1) axes ascend and lie in the shape; (C2) extents agree along them.
public struct Broadcast: Multilinear {
  public let shape: Shape
  public let axes: [Int]

  public init(shape: Shape, axes: [Int]) {
    self.shape = shape
    self.axes = axes
  }

  public var mnemonic: String { "broadcast" }
  public var attributes: Attributes { ["shape": .integers(shape.extents), "axes": .integers(axes)] }
  public var derivative: Derivative { .linear(self) }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    let x = operands[0].shape
    try require(
      axes.count == x.rank && axes == Array(Set(axes)).sorted() && axes.allSatisfy { (0..<shape.rank).contains($0) },
      operands, "axes \(axes) need to ascend within \(shape), one for each operand axis")
    try require(axes.indices.allSatisfy { x[$0] == shape[axes[$0]] }, operands, "extents along \(axes) differ from \(shape)")
    return TensorType(operands[0].element, shape)
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    let kept = Set(axes)
    return try graph.append(Sum(axes: (0..<shape.rank).filter { !kept.contains($0) }), [cotangent])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    .map(.load(operand: 0, axes.map(IndexExpression.variable)))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let source = operands[0].shape.strides
    var strides = [Int](repeating: 0, count: shape.rank)
    for (index, axis) in axes.enumerated() { strides[axis] = source[index] }
    return operands[0].gathering(type, strides: strides)
  }
}

/// result[i] = Σ over the reduced axes of x; the axes vanish.
///
/// Constraints: (C1) axes ascend and lie in the operand's shape; (C2) the operand is a number.
public struct Sum: Multilinear {
  public let axes: [Int]

  public init(axes: [Int]) { self.axes = axes }

  public var mnemonic: String { "sum" }
  public var attributes: Attributes { ["axes": .integers(axes)] }
  public var derivative: Derivative { .linear(self) }

  private func keptAxes(_ rank: Int) -> [Int] { (0..<rank).filter { !axes.contains($0) } }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    let x = operands[0].shape
    try require(
      axes == Array(Set(axes)).sorted() && axes.allSatisfy { (0..<x.rank).contains($0) }, operands,
      "axes \(axes) need to ascend within \(x)")
    try require(operands[0].element != .boolean, operands, "the operand needs to be a number")
    return TensorType(operands[0].element, Shape(keptAxes(x.rank).map { x[$0] }))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    let shape = graph.shape(of: operands[0])
    return try graph.append(Broadcast(shape: shape, axes: keptAxes(shape.rank)), [cotangent])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let x = operands[0].shape
    var index = [IndexExpression](repeating: .constant(0), count: x.rank)
    for (variable, axis) in (keptAxes(x.rank) + axes).enumerated() { index[axis] = .variable(variable) }
    return .sum(extents: axes.map { x[$0] }, .load(operand: 0, index))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor {
    let x = operands[0].shape
    var strides = [Int](repeating: 0, count: x.rank)
    for (axis, stride) in zip(keptAxes(x.rank), type.shape.strides) { strides[axis] = stride }
    let targets = offsets(x, strides)
    if type.element.isInteger {
      var sums = [Int64](repeating: 0, count: type.shape.elementCount)
      for (element, target) in zip(operands[0].integers, targets) {
        let (sum, overflow) = sums[target].addingReportingOverflow(element)
        if overflow { throw .integerOverflow(mnemonic: mnemonic) }
        sums[target] = sum
      }
      return HostTensor(type, .integer(sums))
    }
    var sums = [Double](repeating: 0, count: type.shape.elementCount)
    for (element, target) in zip(operands[0].doubles, targets) { sums[target] += element }
    return HostTensor(type, .double(sums))
  }
}
