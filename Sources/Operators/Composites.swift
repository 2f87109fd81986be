import IR
import TensorTypes

/// Operands that NumPy broadcasting does not unite.
func broadcastShape(_ a: Shape, _ b: Shape) -> Shape? {
  let rank = max(a.rank, b.rank)
  var extents: [Int] = []
  for axis in 0..<rank {
    let x = axis < rank - a.rank ? 1 : a[axis - (rank - a.rank)]
    let y = axis < rank - b.rank ? 1 : b[axis - (rank - b.rank)]
    guard x == y || x == 1 || y == 1 else { return nil }
    extents.append(x == 1 ? y : x)
  }
  return Shape(extents)
}

// Composites have no rules of their own: values and derivatives follow from the operators they append.
extension GraphBuilder {
  /// An elementwise function of operands united by NumPy broadcasting.
  public func elementwise(_ function: ScalarFunction, _ operands: Value...) throws(TypeError) -> Value {
    var shape = shape(of: operands[0])
    for operand in operands.dropFirst() {
      guard let united = broadcastShape(shape, self.shape(of: operand)) else {
        throw TypeError(function.rawValue, "shapes do not broadcast", operands.map { type(of: $0) })
      }
      shape = united
    }
    var broadcasted: [Value] = []
    for operand in operands { broadcasted.append(try broadcast(operand, to: shape)) }
    return try append(Elementwise(function), broadcasted)
  }

  public func add(_ a: Value, _ b: Value) throws(TypeError) -> Value { try elementwise(.add, a, b) }
  public func subtract(_ a: Value, _ b: Value) throws(TypeError) -> Value { try elementwise(.subtract, a, b) }
  public func multiply(_ a: Value, _ b: Value) throws(TypeError) -> Value { try elementwise(.multiply, a, b) }
  public func divide(_ a: Value, _ b: Value) throws(TypeError) -> Value { try elementwise(.divide, a, b) }

  /// A scalar constant of the same element type as `value`.
  public func scalar(_ number: Double, like value: Value) -> Value { scalar(number, type(of: value).element) }
  public func add(_ a: Value, _ number: Double) throws(TypeError) -> Value { try add(a, scalar(number, like: a)) }
  public func multiply(_ a: Value, _ number: Double) throws(TypeError) -> Value { try multiply(a, scalar(number, like: a)) }

  /// min(max(x, low), high)
  public func clip(_ x: Value, _ low: Double, _ high: Double) throws(TypeError) -> Value {
    try elementwise(.clip, x, scalar(low, like: x), scalar(high, like: x))
  }

  // MARK: Shapes

  /// NumPy broadcasting to a larger shape.
  public func broadcast(_ x: Value, to shape: Shape) throws(TypeError) -> Value {
    let source = self.shape(of: x)
    if source == shape { return x }
    let lead = shape.rank - source.rank
    let kept = (0..<source.rank).filter { lead < 0 || source[$0] != 1 || shape[$0 + lead] == 1 }
    let squeezed = try reshape(x, Shape(kept.map { source[$0] }))
    return try append(Broadcast(shape: shape, axes: kept.map { $0 + lead }), [squeezed])
  }

  /// Operand axis a becomes result axis axes[a].
  public func broadcast(_ x: Value, to shape: Shape, axes: [Int]) throws(TypeError) -> Value {
    self.shape(of: x) == shape ? x : try append(Broadcast(shape: shape, axes: axes), [x])
  }

  public func reshape(_ x: Value, _ shape: Shape) throws(TypeError) -> Value {
    self.shape(of: x) == shape ? x : try append(Reshape(shape: shape), [x])
  }

  public func permute(_ x: Value, _ order: [Int]) throws(TypeError) -> Value {
    order == Array(0..<shape(of: x).rank) ? x : try append(Permute(order: order), [x])
  }

  /// x[..., lower ..< upper, ...] along one axis.
  public func slice(_ x: Value, axis: Int, from lower: Int, to upper: Int) throws(TypeError) -> Value {
    let shape = shape(of: x)
    if lower == 0 && upper == shape[axis] { return x }
    var start = [Int](repeating: 0, count: shape.rank)
    var limit = shape.extents
    start[axis] = lower
    limit[axis] = upper
    return try append(Slice(start: start, limit: limit, stride: [Int](repeating: 1, count: shape.rank)), [x])
  }

  public func convert(_ x: Value, to element: ElementType) throws(TypeError) -> Value {
    type(of: x).element == element ? x : try append(Convert(to: element), [x])
  }

  // MARK: Reductions

  /// The shape with `axes` of extent 1.
  private func keeping(_ shape: Shape, _ axes: [Int]) -> Shape {
    Shape(shape.extents.enumerated().map { axes.contains($0.offset) ? 1 : $0.element })
  }

  public func sum(_ x: Value, axes: [Int], keepAxes: Bool = false) throws(TypeError) -> Value {
    let reduced = axes.isEmpty ? x : try append(Sum(axes: axes.sorted()), [x])
    return keepAxes ? try reshape(reduced, keeping(shape(of: x), axes)) : reduced
  }

  public func mean(_ x: Value, axes: [Int], keepAxes: Bool = false) throws(TypeError) -> Value {
    let count = axes.reduce(1) { $0 * shape(of: x)[$1] }
    return try multiply(try sum(x, axes: axes, keepAxes: keepAxes), 1 / Double(count))
  }

  /// The maximum over `axes`: an index selection followed by a gather. Its derivative goes to the first maximal element.
  public func maximum(_ x: Value, axes: [Int], keepAxes: Bool = false) throws(TypeError) -> Value {
    let shape = shape(of: x)
    let kept = (0..<shape.rank).filter { !axes.contains($0) }
    let ordered = try permute(x, kept + axes.sorted())
    let index = try append(IndexOfMaximum(batchRank: kept.count), [ordered])
    let reduced = try append(Take(batchRank: kept.count), [ordered, index])
    return keepAxes ? try reshape(reduced, keeping(shape, axes)) : reduced
  }

  public func minimum(_ x: Value, axes: [Int], keepAxes: Bool = false) throws(TypeError) -> Value {
    let negated = try maximum(try elementwise(.negate, x), axes: axes, keepAxes: keepAxes)
    return try elementwise(.negate, negated)
  }

  // MARK: Normalised exponentials

  /// log Σ exp(x) over `axes`, kept with extent 1; shifted by the maximum, which has no part in the derivative.
  public func logSumExp(_ x: Value, axes: [Int]) throws(TypeError) -> Value {
    let shift = try elementwise(.stopGradient, try maximum(x, axes: axes, keepAxes: true))
    let exponentials = try elementwise(.exponential, try subtract(x, shift))
    return try add(try elementwise(.logarithm, try sum(exponentials, axes: axes, keepAxes: true)), shift)
  }

  /// x − log Σ exp(x)
  public func logSoftmax(_ x: Value, axes: [Int]) throws(TypeError) -> Value {
    try subtract(x, try logSumExp(x, axes: axes))
  }

  /// exp(x) / Σ exp(x)
  public func softmax(_ x: Value, axes: [Int]) throws(TypeError) -> Value {
    let shift = try elementwise(.stopGradient, try maximum(x, axes: axes, keepAxes: true))
    let exponentials = try elementwise(.exponential, try subtract(x, shift))
    return try divide(exponentials, try sum(exponentials, axes: axes, keepAxes: true))
  }

  // MARK: Layers

  /// Forward convolution of [N, C, I...] with [K, C/groups, F...].
  public func convolution(
    _ x: Value, _ filter: Value, strides: [Int], padsLow: [Int], padsHigh: [Int], dilations: [Int], groups: Int
  ) throws(TypeError) -> Value {
    let input = shape(of: x)
    let weights = shape(of: filter)
    let operands = [type(of: x), type(of: filter)]
    let spatial = strides.count
    guard input.rank == spatial + 2, weights.rank == spatial + 2, padsLow.count == spatial, padsHigh.count == spatial,
      dilations.count == spatial
    else {
      throw TypeError("convolution", "strides, pads and dilations need one entry for each spatial axis", operands)
    }
    var extents = [input[0], weights[0]]
    for axis in 0..<spatial {
      let room = input[axis + 2] + padsLow[axis] + padsHigh[axis] - dilations[axis] * (weights[axis + 2] - 1) - 1
      guard room >= 0, strides[axis] >= 1 else {
        throw TypeError("convolution", "the filter does not fit into the padded input", operands)
      }
      extents.append(room / strides[axis] + 1)
    }
    return try append(
      Convolution(
        solving: .output, strides: strides, pads: padsLow, dilations: dilations, groups: groups, shape: Shape(extents)),
      [x, filter])
  }

  /// Adds a [C] vector to axis 1 of [N, C, ...].
  public func addChannelBias(_ x: Value, _ bias: Value) throws(TypeError) -> Value {
    try append(Elementwise(.add), [x, try broadcast(bias, to: shape(of: x), axes: [1])])
  }

  /// scale · (x − mean) / √(variance + epsilon) + bias, each [C] along axis 1 (ONNX BatchNormalization in inference).
  public func batchNormalization(_ x: Value, scale: Value, bias: Value, mean: Value, variance: Value, epsilon: Double)
    throws(TypeError) -> Value
  {
    let shape = shape(of: x)
    let deviation = try elementwise(.squareRoot, try add(variance, epsilon))
    let factor = try divide(scale, deviation)
    let centered = try subtract(x, try broadcast(mean, to: shape, axes: [1]))
    let scaled = try multiply(centered, try broadcast(factor, to: shape, axes: [1]))
    return try add(scaled, try broadcast(bias, to: shape, axes: [1]))
  }

  /// The largest element of each window.
  public func maxPool(_ x: Value, _ window: Window) throws(TypeError) -> Value {
    let index = try append(WindowIndexOfMaximum(window: window), [x])
    return try append(Take(batchRank: 2), [x, index])
  }

  /// The mean of each window, over its elements inside the tensor only, or over its full extent with `countingPadding`.
  /// - Parameter padded: extents of the padded plane, beyond which even `countingPadding` does not count.
  public func averagePool(_ x: Value, _ window: Window, countingPadding: Bool, padsHigh: [Int]) throws(TypeError) -> Value {
    let sums = try append(WindowSum(window: window), [x])
    let spatial = Array(shape(of: x).extents[2...])
    var reciprocals: [Double] = []
    Shape(window.extents).forEachIndex { o in
      var count = 1
      for axis in o.indices {
        let low = countingPadding ? -window.pads[axis] : 0
        let high = spatial[axis] + (countingPadding ? padsHigh[axis] : 0)
        count *= (0..<window.kernel[axis]).count { (low..<high).contains(window.position(o[axis], $0, axis)) }
      }
      reciprocals.append(1 / Double(count))
    }
    if Set(reciprocals).count == 1 { return try multiply(sums, reciprocals[0]) }
    let type = TensorType(type(of: x).element, Shape(window.extents))
    return try multiply(sums, constant(HostTensor(type, .double(reciprocals)), name: "averagePool.reciprocals"))
  }

  /// NumPy matmul: vectors are extended, batch axes broadcast.
  public func matrixMultiply(_ a: Value, _ b: Value) throws(TypeError) -> Value {
    let left = shape(of: a)
    let right = shape(of: b)
    guard left.rank >= 1, right.rank >= 1 else {
      throw TypeError("matrixProduct", "operands need at least one axis", [type(of: a), type(of: b)])
    }
    let matrixA = left.rank == 1 ? Shape([1, left[0]]) : left
    let matrixB = right.rank == 1 ? Shape([right[0], 1]) : right
    let batchA = Shape(Array(matrixA.extents.dropLast(2)))
    let batchB = Shape(Array(matrixB.extents.dropLast(2)))
    let product: Value
    if batchB.rank == 0 || batchB.elementCount == 1 && batchB.rank <= batchA.rank {
      // One matrix for all: the rows of every batch make one tall matrix.
      let k = matrixA[matrixA.rank - 1]
      let tall = try reshape(a, [matrixA.elementCount / max(k, 1), k])
      let flat = try append(
        MatrixProduct(), [tall, try reshape(b, [matrixB[matrixB.rank - 2], matrixB[matrixB.rank - 1]])])
      product = try reshape(flat, Shape(matrixA.extents.dropLast() + [matrixB[matrixB.rank - 1]]))
    } else {
      guard let batch = broadcastShape(batchA, batchB) else {
        throw TypeError("matrixProduct", "batch axes do not broadcast", [type(of: a), type(of: b)])
      }
      product = try append(
        MatrixProduct(),
        [
          try broadcast(try reshape(a, matrixA), to: Shape(batch.extents + matrixA.extents.suffix(2))),
          try broadcast(try reshape(b, matrixB), to: Shape(batch.extents + matrixB.extents.suffix(2))),
        ])
    }
    var extents = shape(of: product).extents
    if right.rank == 1 { extents.removeLast() }
    if left.rank == 1 { extents.remove(at: extents.count - (right.rank == 1 ? 1 : 2)) }
    return try reshape(product, Shape(extents))
  }
}
