import IR
import TensorTypes

/// A sliding window over the spatial axes of [N, C, spatial...]: window o covers positions o · stride + k · dilation − pad
/// for k in the kernel. What lies outside is padding, on the high side as far as `extents` asks for.
public struct Window: Sendable, Hashable {
  public let kernel: [Int]
  public let strides: [Int]
  public let pads: [Int]
  public let dilations: [Int]
  /// How many windows there are along each spatial axis.
  public let extents: [Int]

  public init(kernel: [Int], strides: [Int], pads: [Int], dilations: [Int], extents: [Int]) {
    self.kernel = kernel
    self.strides = strides
    self.pads = pads
    self.dilations = dilations
    self.extents = extents
  }

  init(_ attributes: Attributes) throws(AttributeError) {
    self.init(
      kernel: try attributes.integers("kernel"), strides: try attributes.integers("strides"),
      pads: try attributes.integers("pads"), dilations: try attributes.integers("dilations"),
      extents: try attributes.integers("extents"))
  }

  var attributes: Attributes {
    [
      "kernel": .integers(kernel), "strides": .integers(strides), "pads": .integers(pads),
      "dilations": .integers(dilations), "extents": .integers(extents),
    ]
  }

  func fits(rank: Int) -> Bool {
    let count = kernel.count
    return count == rank - 2 && strides.count == count && pads.count == count && dilations.count == count
      && extents.count == count && (kernel + strides + dilations).allSatisfy { $0 >= 1 }
      && (pads + extents).allSatisfy { $0 >= 0 }
  }

  func position(_ o: Int, _ k: Int, _ axis: Int) -> Int { o * strides[axis] + k * dilations[axis] - pads[axis] }

  /// The positions for window variables 2... and reduction variables from `firstReduction` on.
  func positions(firstReduction: Int) -> [IndexExpression] {
    kernel.indices.map { axis in
      IndexExpression.variable(axis + 2) * strides[axis] + .variable(firstReduction + axis) * dilations[axis] + -pads[axis]
    }
  }

  /// The expression where all positions lie inside, without conditions that always hold.
  func guarded(_ expression: LoopExpression, _ positions: [IndexExpression], _ spatial: [Int], otherwise: Double)
    -> LoopExpression
  {
    let conditions = kernel.indices.compactMap { axis -> IndexCondition? in
      let last = position(extents[axis] - 1, kernel[axis] - 1, axis)
      return pads[axis] == 0 && last < spatial[axis]
        ? nil : .inRange(positions[axis], lower: 0, upper: spatial[axis])
    }
    return conditions.isEmpty ? expression : .guarded(conditions, expression, otherwise: otherwise)
  }

  /// The windows (as indices and conditions) that cover position `variable(2 + axis)` with kernel element
  /// `variable(firstReduction + axis)`: o = (position + pad − k · dilation) / stride where that is whole and in range.
  func covering(firstReduction: Int) -> (windows: [IndexExpression], conditions: [IndexCondition]) {
    var windows: [IndexExpression] = []
    var conditions: [IndexCondition] = []
    for axis in kernel.indices {
      let reach = IndexExpression.variable(axis + 2) + .variable(firstReduction + axis) * -dilations[axis] + pads[axis]
      let window: IndexExpression = strides[axis] == 1 ? reach : .floorDivide(reach, strides[axis])
      if strides[axis] > 1 { conditions.append(.divisible(reach, by: strides[axis])) }
      conditions.append(.inRange(window, lower: 0, upper: extents[axis]))
      windows.append(window)
    }
    return (windows, conditions)
  }
}

/// result[n, c, o...] = Σ_k x[n, c, o · stride + k · dilation − pad], zero outside: average pooling before its division.
///
/// Constraint: (C1) x is [N, C, spatial...] with one window entry for each spatial axis.
public struct WindowSum: Multilinear {
  public let window: Window

  public init(window: Window) { self.window = window }

  public var mnemonic: String { "windowSum" }
  public var attributes: Attributes { window.attributes }
  public var derivative: Derivative { .linear(self) }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    let x = operands[0].shape
    try require(window.fits(rank: x.rank), operands, "the window has \(window.kernel.count) spatial axes")
    try require(operands[0].element.isFloatingPoint, operands, "the operand needs to be floating-point")
    return TensorType(operands[0].element, Shape(Array(x.extents[..<2]) + window.extents))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    let spatial = Array(graph.shape(of: operands[0]).extents[2...])
    return try graph.append(WindowSpread(window: window, spatial: spatial), [cotangent])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let x = operands[0].shape
    let positions = window.positions(firstReduction: x.rank)
    return .sum(
      extents: window.kernel,
      window.guarded(.load(operand: 0, variables(0..<2) + positions), positions, Array(x.extents[2...]), otherwise: 0))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let spatial = Shape(Array(operands[0].shape.extents[2...]))
    let x = operands[0].doubles
    var sums = [Double](repeating: 0, count: type.shape.elementCount)
    window.forEachPair(spatial, planes: type.shape[0] * type.shape[1]) { source, target in sums[target] += x[source] }
    return HostTensor(type, .double(sums))
  }
}

/// The adjoint of WindowSum: result[n, c, i...] = Σ x[n, c, o...] over the windows o that cover i.
///
/// Constraint: (C1) x is [N, C, window extents...].
public struct WindowSpread: Multilinear {
  public let window: Window
  /// Spatial extents of the result.
  public let spatial: [Int]

  public init(window: Window, spatial: [Int]) {
    self.window = window
    self.spatial = spatial
  }

  public var mnemonic: String { "windowSpread" }
  public var attributes: Attributes {
    Attributes(window.attributes.entries.map { ($0.name, $0.value) } + [("spatial", .integers(spatial))])
  }
  public var derivative: Derivative { .linear(self) }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    let x = operands[0].shape
    try require(
      window.fits(rank: x.rank) && Array(x.extents[2...]) == window.extents && spatial.count == x.rank - 2, operands,
      "the operand needs to be [N, C] and \(window.extents)")
    try require(operands[0].element.isFloatingPoint, operands, "the operand needs to be floating-point")
    return TensorType(operands[0].element, Shape(Array(x.extents[..<2]) + spatial))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    try graph.append(WindowSum(window: window), [cotangent])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let (windows, conditions) = window.covering(firstReduction: type.shape.rank)
    return .sum(
      extents: window.kernel,
      .guarded(conditions, .load(operand: 0, variables(0..<2) + windows), otherwise: 0))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let x = operands[0].doubles
    var sums = [Double](repeating: 0, count: type.shape.elementCount)
    window.forEachPair(Shape(spatial), planes: type.shape[0] * type.shape[1]) { source, target in sums[source] += x[target] }
    return HostTensor(type, .double(sums))
  }
}

extension Window {
  /// Calls `body` with the flat offsets of every covered position and its window.
  func forEachPair(_ spatial: Shape, planes: Int, _ body: (_ position: Int, _ window: Int) -> Void) {
    var pairs: [(Int, Int)] = []
    var target = 0
    Shape(extents).forEachIndex { o in
      Shape(kernel).forEachIndex { k in
        let index = o.indices.map { position(o[$0], k[$0], $0) }
        if zip(index, spatial.extents).allSatisfy({ $0 >= 0 && $0 < $1 }) {
          pairs.append((spatial.offset(of: index), target))
        }
      }
      target += 1
    }
    for plane in 0..<planes {
      for (source, target) in pairs {
        body(plane * spatial.elementCount + source, plane * Shape(extents).elementCount + target)
      }
    }
  }
}
