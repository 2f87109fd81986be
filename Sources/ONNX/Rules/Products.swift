import IR
import Operators
import TensorTypes

extension ImportRule {
  static let products: [String: ImportRule] = [
    "MatMul": ImportRule(2...2) { node in
      let a = try node.operand(0)
      let b = try node.operand(1)
      try checkProduct(node.shape(a).extents, node.shape(b).extents, node)
      return try node.builder.matrixMultiply(a, b)
    },
    "Gemm": ImportRule(2...3, generalProduct),
  ]

  /// Bounds the operands with their batch axes broadcast, and the result: no value on the way is larger.
  private static func checkProduct(_ left: [Int], _ right: [Int], _ node: NodeImport) throws {
    let leftBatch = Array(left.dropLast(2))
    let rightBatch = Array(right.dropLast(2))
    let longer = leftBatch.count > rightBatch.count ? leftBatch : rightBatch
    let shorter = leftBatch.count > rightBatch.count ? rightBatch : leftBatch
    let offset = longer.count - shorter.count
    let batch: [Int] = longer.indices.map { $0 < offset ? longer[$0] : max(longer[$0], shorter[$0 - offset]) }
    _ = try node.checked(batch + Array(left.suffix(2)))
    _ = try node.checked(batch + Array(right.suffix(2)))
    _ = try node.checked(batch + Array(left.suffix(2).dropLast()) + Array(right.suffix(1)))
  }

  /// alpha · A' · B' + beta · C, with A' and B' optionally transposed and C broadcast to the result.
  private static func generalProduct(_ node: NodeImport) throws -> Value {
    let a = try node.operand(0)
    let b = try node.operand(1)
    guard node.shape(a).rank == 2, node.shape(b).rank == 2 else {
      throw ImportProblem("operands \(node.shape(a)) and \(node.shape(b)) are no matrices")
    }
    let alpha = try node.float("alpha", default: 1)
    let beta = try node.float("beta", default: 1)
    var result = try node.builder.append(
      MatrixProduct(transposeLeft: try node.flag("transA"), transposeRight: try node.flag("transB")), [a, b])
    if alpha != 1 { result = try node.builder.multiply(result, alpha) }
    guard var c = node.optional(2), beta != 0 else { return result }
    try node.requireBroadcast(c, to: node.shape(result))
    if beta != 1 { c = try node.builder.multiply(c, beta) }
    return try node.builder.add(result, c)
  }
}
