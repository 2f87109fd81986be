import IR
import TensorTypes

/// result[a..., i..., b...] = x[a..., indices[i...], b...] with a before and b behind `axis` (ONNX Gather).
///
/// Constraints: (C1) `axis` lies in x; (C2) indices are integers. Indices outside of the axis are an error when running.
public struct Gather: Multilinear {
  public let axis: Int

  public init(axis: Int) { self.axis = axis }

  public var mnemonic: String { "gather" }
  public var attributes: Attributes { ["axis": .integer(axis)] }
  public var derivative: Derivative { .multilinear(self) }
  public func isLinear(inOperand index: Int) -> Bool { index == 0 }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 2, operands, "takes two operands")
    let x = operands[0].shape
    try require((0..<x.rank).contains(axis), operands, "axis \(axis) is not in \(x)")
    try require(operands[1].element.isInteger, operands, "indices need to be integers")
    return TensorType(
      operands[0].element, Shape(x.extents[..<axis] + operands[1].shape.extents + x.extents[(axis + 1)...]))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    try graph.append(Scatter(axis: axis, extent: graph.shape(of: operands[0])[axis]), [cotangent, operands[1]])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let x = operands[0].shape
    let rank = operands[1].shape.rank
    let position = IndexExpression.load(operand: 1, variables(axis..<axis + rank), extent: x[axis])
    return .map(.load(operand: 0, variables(0..<axis) + [position] + variables(axis + rank..<type.shape.rank)))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor {
    let x = operands[0].shape
    let inner = x.extents[(axis + 1)...].reduce(1, *)
    let positions = try checkedIndices(operands[1], extent: x[axis], mnemonic)
    var sources: [Int] = []
    sources.reserveCapacity(type.shape.elementCount)
    for outer in 0..<x.extents[..<axis].reduce(1, *) {
      for position in positions {
        let start = (outer * x[axis] + position) * inner
        sources.append(contentsOf: start..<start + inner)
      }
    }
    return operands[0].gathering(type, sources)
  }
}

/// The adjoint of Gather: result[a..., indices[i...], b...] += x[a..., i..., b...], summed over i in row-major order.
///
/// Constraints: (C1) the extents of x from `axis` on begin with those of the indices; (C2) indices are integers.
public struct Scatter: Multilinear {
  public let axis: Int
  /// Extent of the result along `axis`.
  public let extent: Int

  public init(axis: Int, extent: Int) {
    self.axis = axis
    self.extent = extent
  }

  public var mnemonic: String { "scatter" }
  public var attributes: Attributes { ["axis": .integer(axis), "extent": .integer(extent)] }
  public var derivative: Derivative { .multilinear(self) }
  public func isLinear(inOperand index: Int) -> Bool { index == 0 }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 2, operands, "takes two operands")
    let x = operands[0].shape.extents
    let indices = operands[1].shape.extents
    try require(operands[1].element.isInteger, operands, "indices need to be integers")
    try require(
      axis >= 0 && x.count >= axis + indices.count && Array(x[axis..<axis + indices.count]) == indices, operands,
      "extents from axis \(axis) on need to begin with those of the indices")
    return TensorType(operands[0].element, Shape(x[..<axis] + [extent] + x[(axis + indices.count)...]))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    try graph.append(Gather(axis: axis), [cotangent, operands[1]])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let rank = operands[0].shape.rank
    let indexRank = operands[1].shape.rank
    // Reduction variables: the indices' axes, then the axes behind them.
    let first = type.shape.rank
    let indexVariables = variables(first..<first + indexRank)
    let inner = variables(first + indexRank..<first + rank - axis)
    return .scatterAdd(
      parallelRank: axis, extents: Array(operands[0].shape.extents[axis...]),
      target: variables(0..<axis) + [.load(operand: 1, indexVariables, extent: extent)] + inner,
      .load(operand: 0, variables(0..<axis) + indexVariables + inner))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor {
    let positions = try checkedIndices(operands[1], extent: extent, mnemonic)
    let outer = type.shape.extents[..<axis].reduce(1, *)
    let inner = type.shape.extents[(axis + 1)...].reduce(1, *)
    let x = operands[0].doubles
    var sums = [Double](repeating: 0, count: type.shape.elementCount)
    for a in 0..<outer {
      for (i, position) in positions.enumerated() {
        for b in 0..<inner { sums[(a * extent + position) * inner + b] += x[(a * positions.count + i) * inner + b] }
      }
    }
    return .floating(type, sums)
  }
}

/// result[a..., m...] = x[a..., unflattened index[a..., m...]]: each index counts the elements of x behind the first
/// `batchRank` axes in row-major order. Pooling and maxima select with it.
///
/// Constraints: (C1) x and indices agree in the first `batchRank` axes; (C2) indices are integers.
public struct Take: Multilinear {
  public let batchRank: Int

  public init(batchRank: Int) { self.batchRank = batchRank }

  public var mnemonic: String { "take" }
  public var attributes: Attributes { ["batchRank": .integer(batchRank)] }
  public var derivative: Derivative { .multilinear(self) }
  public func isLinear(inOperand index: Int) -> Bool { index == 0 }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 2, operands, "takes two operands")
    let x = operands[0].shape
    let indices = operands[1].shape
    try require(operands[1].element.isInteger, operands, "indices need to be integers")
    try require(
      batchRank >= 0 && x.rank >= batchRank && indices.extents.prefix(batchRank) == x.extents.prefix(batchRank)
        && indices.rank >= batchRank, operands, "the first \(batchRank) axes need to agree")
    return TensorType(operands[0].element, indices)
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    let shape = graph.shape(of: operands[0])
    return try graph.append(
      Untake(batchRank: batchRank, inner: Shape(Array(shape.extents[batchRank...]))), [cotangent, operands[1]])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let inner = Shape(Array(operands[0].shape.extents[batchRank...]))
    let position = IndexExpression.load(operand: 1, variables(0..<type.shape.rank), extent: inner.elementCount)
    return .map(
      .load(
        operand: 0,
        variables(0..<batchRank) + Reshape.index([position], from: [inner.elementCount], to: inner)))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor {
    let inner = operands[0].shape.extents[batchRank...].reduce(1, *)
    let perBatch = type.shape.extents[batchRank...].reduce(1, *)
    let positions = try checkedIndices(operands[1], extent: inner, mnemonic)
    return operands[0].gathering(type, positions.enumerated().map { $0.offset / perBatch * inner + $0.element })
  }
}

/// The adjoint of Take: result[a..., unflattened index[a..., m...]] += x[a..., m...].
///
/// Constraints: (C1) x and indices have equal shapes; (C2) indices are integers.
public struct Untake: Multilinear {
  public let batchRank: Int
  /// Extents of the result behind the batch axes.
  public let inner: Shape

  public init(batchRank: Int, inner: Shape) {
    self.batchRank = batchRank
    self.inner = inner
  }

  public var mnemonic: String { "untake" }
  public var attributes: Attributes { ["batchRank": .integer(batchRank), "inner": .integers(inner.extents)] }
  public var derivative: Derivative { .multilinear(self) }
  public func isLinear(inOperand index: Int) -> Bool { index == 0 }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 2, operands, "takes two operands")
    try require(operands[1].element.isInteger, operands, "indices need to be integers")
    try require(operands[0].shape == operands[1].shape, operands, "operands need equal shapes")
    try require((0...operands[0].shape.rank).contains(batchRank), operands, "batch rank \(batchRank) exceeds the rank")
    return TensorType(operands[0].element, Shape(operands[0].shape.extents[..<batchRank] + inner.extents))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    try graph.append(Take(batchRank: batchRank), [cotangent, operands[1]])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let x = operands[0].shape
    let source = variables(0..<batchRank) + variables(type.shape.rank..<type.shape.rank + x.rank - batchRank)
    let position = IndexExpression.load(operand: 1, source, extent: inner.elementCount)
    return .scatterAdd(
      parallelRank: batchRank, extents: Array(x.extents[batchRank...]),
      target: variables(0..<batchRank) + Reshape.index([position], from: [inner.elementCount], to: inner),
      .load(operand: 0, source))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor {
    let perBatch = operands[0].shape.extents[batchRank...].reduce(1, *)
    let positions = try checkedIndices(operands[1], extent: inner.elementCount, mnemonic)
    var sums = [Double](repeating: 0, count: type.shape.elementCount)
    for (i, element) in operands[0].doubles.enumerated() {
      sums[i / perBatch * inner.elementCount + positions[i]] += element
    }
    return .floating(type, sums)
  }
}

extension HostTensor {
  /// A result computed in f64, of whatever numeric element type.
  static func floating(_ type: TensorType, _ elements: [Double]) -> HostTensor {
    type.element.isFloatingPoint
      ? HostTensor(type, .double(elements)) : HostTensor(type, .integer(elements.map { Int64($0) }))
  }
}

/// The indices as Int, each within 0 ..< extent.
private func checkedIndices(_ indices: HostTensor, extent: Int, _ mnemonic: String) throws(EvaluationError) -> [Int] {
  let integers = indices.integers
  for index in integers where index < 0 || index >= extent {
    throw .indexOutOfRange(mnemonic: mnemonic, index: index, extent: extent)
  }
  return integers.map(Int.init)
}
