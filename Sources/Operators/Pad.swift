import IR
import TensorTypes

/// Zeros around and between the elements: operand index i lies at low + i · (interior + 1).
///
/// Constraints: (C1) one entry for each axis, none negative.
public struct Pad: Multilinear {
  public let low: [Int]
  public let high: [Int]
  public let interior: [Int]

  public init(low: [Int], high: [Int], interior: [Int]) {
    self.low = low
    self.high = high
    self.interior = interior
  }

  public var mnemonic: String { "pad" }
  public var attributes: Attributes {
    ["low": .integers(low), "high": .integers(high), "interior": .integers(interior)]
  }
  public var derivative: Derivative { .linear(self) }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    let x = operands[0].shape
    try require(
      [low, high, interior].allSatisfy { $0.count == x.rank && $0.allSatisfy { $0 >= 0 } }, operands,
      "low, high and interior need one entry for each axis, none negative")
    let extents = (0..<x.rank).map { low[$0] + high[$0] + x[$0] + max(0, x[$0] - 1) * interior[$0] }
    return TensorType(operands[0].element, Shape(extents))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    let x = graph.shape(of: operands[0])
    let limit = (0..<x.rank).map { low[$0] + max(0, x[$0] - 1) * (interior[$0] + 1) + min(1, x[$0]) }
    return try graph.append(Slice(start: low, limit: limit, stride: interior.map { $0 + 1 }), [cotangent])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let x = operands[0].shape
    var index: [IndexExpression] = []
    var conditions: [IndexCondition] = []
    for axis in 0..<x.rank {
      let shifted = IndexExpression.variable(axis) + -low[axis]
      let step = interior[axis] + 1
      if step > 1 { conditions.append(.divisible(shifted, by: step)) }
      let position: IndexExpression = step > 1 ? .floorDivide(shifted, step) : shifted
      if low[axis] > 0 || high[axis] > 0 { conditions.append(.inRange(position, lower: 0, upper: x[axis])) }
      index.append(position)
    }
    let load = LoopExpression.load(operand: 0, index)
    return .map(conditions.isEmpty ? load : .guarded(conditions, load, otherwise: 0))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let strides = type.shape.strides
    let base = zip(low, strides).reduce(0) { $0 + $1.0 * $1.1 }
    let targets = offsets(operands[0].shape, zip(strides, interior).map { $0 * ($1 + 1) }, base: base)
    var sources = [Int](repeating: -1, count: type.shape.elementCount)
    for (source, target) in targets.enumerated() { sources[target] = source }
    return operands[0].gathering(type, sources)
  }
}

/// result[i] = x[start + i · stride] for start + i · stride < limit.
///
/// Constraints: (C1) one entry for each axis; (C2) 0 ≤ start ≤ limit ≤ extent; (C3) stride ≥ 1.
public struct Slice: Multilinear {
  public let start: [Int]
  public let limit: [Int]
  public let stride: [Int]

  public init(start: [Int], limit: [Int], stride: [Int]) {
    self.start = start
    self.limit = limit
    self.stride = stride
  }

  public var mnemonic: String { "slice" }
  public var attributes: Attributes {
    ["start": .integers(start), "limit": .integers(limit), "stride": .integers(stride)]
  }
  public var derivative: Derivative { .linear(self) }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    let x = operands[0].shape
    try require(
      [start, limit, stride].allSatisfy { $0.count == x.rank }, operands,
      "start, limit and stride need one entry for each axis")
    try require(
      (0..<x.rank).allSatisfy { 0 <= start[$0] && start[$0] <= limit[$0] && limit[$0] <= x[$0] && stride[$0] >= 1 },
      operands,
      "start \(start), limit \(limit), stride \(stride) reach outside of \(x)")
    return TensorType(
      operands[0].element, Shape((0..<x.rank).map { (limit[$0] - start[$0] + stride[$0] - 1) / stride[$0] }))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    let x = graph.shape(of: operands[0])
    let result = graph.shape(of: cotangent)
    if result.elementCount == 0 {
      return try graph.broadcast(graph.scalar(0, graph.type(of: cotangent).element), to: x)
    }
    let high = (0..<x.rank).map { x[$0] - start[$0] - 1 - (result[$0] - 1) * stride[$0] }
    return try graph.append(Pad(low: start, high: high, interior: stride.map { $0 - 1 }), [cotangent])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    .map(.load(operand: 0, (0..<type.shape.rank).map { IndexExpression.variable($0) * stride[$0] + start[$0] }))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let strides = operands[0].shape.strides
    let base = zip(start, strides).reduce(0) { $0 + $1.0 * $1.1 }
    return operands[0].gathering(type, strides: zip(strides, stride).map(*), base: base)
  }
}
