import IR
import TensorTypes

/// result[b..., i, j] = Σ_k A[b..., i, k] · B[b..., k, j], where A or B may be stored transposed.
///
/// Constraints: (C1) both operands have one rank of at least 2, equal batch axes and the same floating-point type;
/// (C2) their inner extents agree.
public struct MatrixProduct: Multilinear {
  public let transposeLeft: Bool
  public let transposeRight: Bool

  public init(transposeLeft: Bool = false, transposeRight: Bool = false) {
    self.transposeLeft = transposeLeft
    self.transposeRight = transposeRight
  }

  public var mnemonic: String { "matrixProduct" }
  public var attributes: Attributes { ["transposeLeft": .flag(transposeLeft), "transposeRight": .flag(transposeRight)] }
  public var derivative: Derivative { .multilinear(self) }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 2, operands, "takes two operands")
    let a = operands[0].shape.extents
    let b = operands[1].shape.extents
    try require(
      a.count == b.count && a.count >= 2 && a.dropLast(2) == b.dropLast(2) && operands[0].element == operands[1].element
        && operands[0].element.isFloatingPoint, operands, "operands need one type, one rank and equal batch axes")
    let (m, k) = transposeLeft ? (a[a.count - 1], a[a.count - 2]) : (a[a.count - 2], a[a.count - 1])
    let (l, n) = transposeRight ? (b[b.count - 1], b[b.count - 2]) : (b[b.count - 2], b[b.count - 1])
    try require(k == l, operands, "inner extents \(k) and \(l) differ")
    return TensorType(operands[0].element, Shape(a.dropLast(2) + [m, n]))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    if index == 0 {
      return transposeLeft
        ? try graph.append(MatrixProduct(transposeLeft: transposeRight, transposeRight: true), [operands[1], cotangent])
        : try graph.append(MatrixProduct(transposeRight: !transposeRight), [cotangent, operands[1]])
    }
    return transposeRight
      ? try graph.append(MatrixProduct(transposeLeft: true, transposeRight: transposeLeft), [cotangent, operands[0]])
      : try graph.append(MatrixProduct(transposeLeft: !transposeLeft), [operands[0], cotangent])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let rank = type.shape.rank
    let batch = variables(0..<rank - 2)
    let i = IndexExpression.variable(rank - 2)
    let j = IndexExpression.variable(rank - 1)
    let k = IndexExpression.variable(rank)
    let inner = operands[0].shape[transposeLeft ? rank - 2 : rank - 1]
    return .sum(
      extents: [inner],
      .apply(
        .multiply,
        [
          .load(operand: 0, batch + (transposeLeft ? [k, i] : [i, k])),
          .load(operand: 1, batch + (transposeRight ? [j, k] : [k, j])),
        ]))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let rank = type.shape.rank
    let m = type.shape[rank - 2]
    let n = type.shape[rank - 1]
    let inner = operands[0].shape[transposeLeft ? rank - 2 : rank - 1]
    let a = operands[0].doubles
    let b = operands[1].doubles
    var products = [Double](repeating: 0, count: type.shape.elementCount)
    for batch in 0..<type.shape.extents.dropLast(2).reduce(1, *) {
      for i in 0..<m {
        for k in 0..<inner {
          let left: Double = a[batch * m * inner + (transposeLeft ? k * m + i : i * inner + k)]
          for j in 0..<n {
            products[(batch * m + i) * n + j] += left * b[batch * inner * n + (transposeRight ? j * inner + k : k * n + j)]
          }
        }
      }
    }
    return HostTensor(type, .double(products))
  }
}
