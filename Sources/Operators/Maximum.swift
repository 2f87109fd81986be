import IR
import TensorTypes

/// result[a...] = the row-major position, behind the first `batchRank` axes, of the largest element; the first wins ties.
///
/// Constraints: (C1) `batchRank` is at most the rank; (C2) there is at least one element; (C3) elements are numbers.
public struct IndexOfMaximum: Operator {
  public let batchRank: Int

  public init(batchRank: Int) { self.batchRank = batchRank }

  public var mnemonic: String { "indexOfMaximum" }
  public var attributes: Attributes { ["batchRank": .integer(batchRank)] }
  public var derivative: Derivative { .zero }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    let x = operands[0].shape
    try require((0...x.rank).contains(batchRank), operands, "batch rank \(batchRank) exceeds the rank")
    try require(x.extents[batchRank...].reduce(1, *) > 0, operands, "there is nothing to choose from")
    try require(operands[0].element != .boolean, operands, "the operand needs to be a number")
    return TensorType(.int64, Shape(Array(x.extents[..<batchRank])))
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let x = operands[0].shape
    var position = IndexExpression.constant(0)
    for axis in batchRank..<x.rank { position = position * x[axis] + .variable(axis) }
    return .indexOfMaximum(
      extents: Array(x.extents[batchRank...]), .load(operand: 0, variables(0..<x.rank)), position: position)
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let inner = operands[0].shape.extents[batchRank...].reduce(1, *)
    let x = operands[0].doubles
    let positions = (0..<type.shape.elementCount).map { a -> Int64 in
      var best = 0
      for i in 1..<max(inner, 1) where x[a * inner + i] > x[a * inner + best] { best = i }
      return Int64(best)
    }
    return HostTensor(type, .integer(positions))
  }
}

/// For every window of every plane, the row-major position in the plane of its largest element; the first wins ties, and
/// positions in the padding never win.
///
/// Constraints: (C1) x is [N, C, spatial...] with one kernel extent, stride, pad and dilation for each spatial axis;
/// (C2) every window of `extents` holds at least one element.
public struct WindowIndexOfMaximum: Operator {
  public let window: Window

  public init(window: Window) { self.window = window }

  public var mnemonic: String { "windowIndexOfMaximum" }
  public var attributes: Attributes { window.attributes }
  public var derivative: Derivative { .zero }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    let x = operands[0].shape
    try require(window.fits(rank: x.rank), operands, "the window has \(window.kernel.count) spatial axes")
    try require(operands[0].element.isFloatingPoint, operands, "the operand needs to be floating-point")
    for axis in 0..<window.kernel.count {
      for o in 0..<window.extents[axis] {
        try require(
          (0..<window.kernel[axis]).contains { (0..<x[axis + 2]).contains(window.position(o, $0, axis)) }, operands,
          "window \(o) along spatial axis \(axis) lies in the padding")
      }
    }
    return TensorType(.int64, Shape(Array(x.extents[..<2]) + window.extents))
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let x = operands[0].shape
    let positions = window.positions(firstReduction: x.rank)
    var flat = IndexExpression.constant(0)
    for axis in 2..<x.rank { flat = flat * x[axis] + positions[axis - 2] }
    return .indexOfMaximum(
      extents: window.kernel,
      window.guarded(
        .load(operand: 0, variables(0..<2) + positions), positions, Array(x.extents[2...]), otherwise: -.infinity),
      position: flat)
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let x = operands[0].shape
    let spatial = Shape(Array(x.extents[2...]))
    let data = operands[0].doubles
    var positions: [Int64] = []
    positions.reserveCapacity(type.shape.elementCount)
    for plane in 0..<x[0] * x[1] {
      Shape(window.extents).forEachIndex { o in
        var best: Int?
        Shape(window.kernel).forEachIndex { k in
          let index = o.indices.map { window.position(o[$0], k[$0], $0) }
          guard zip(index, spatial.extents).allSatisfy({ $0 >= 0 && $0 < $1 }) else { return }
          let flat = spatial.offset(of: index)
          if let current = best, !(data[plane * spatial.elementCount + flat] > data[plane * spatial.elementCount + current])
          {
            return
          }
          best = flat
        }
        positions.append(Int64(best ?? 0))
      }
    }
    return HostTensor(type, .integer(positions))
  }
}
