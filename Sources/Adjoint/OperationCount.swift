import IR

extension Graph {
  /// Floating-point operations of one evaluation, by the plain loops of its operators: a multiplication with an addition
  /// counts as two, an elementwise function as one; index arithmetic and integers count nothing.
  public var floatingPointOperations: Int {
    var count = 0
    for node in nodes where node.type.element.isFloatingPoint {
      guard let operation = node.operation else { continue }
      let elements = node.type.shape.elementCount
      switch operation.loopForm(of: node.operands.map { self[$0].type }, type: node.type) {
      case .map(let expression): count += elements * expression.applicationCount
      case .sum(let extents, let expression): count += elements * extents.reduce(1, *) * (expression.applicationCount + 1)
      case .scatterAdd(let parallelRank, let extents, _, let expression):
        let outer = node.type.shape.extents.prefix(parallelRank).reduce(1, *)
        count += outer * extents.reduce(1, *) * (expression.applicationCount + 1)
      case .indexOfMaximum, .concatenate: break
      }
    }
    return count
  }
}

extension LoopExpression {
  fileprivate var applicationCount: Int {
    switch self {
    case .literal, .load, .index: 0
    case .apply(_, let operands): operands.reduce(1) { $0 + $1.applicationCount }
    case .convert(let operand, _): operand.applicationCount
    case .guarded(_, let inner, _): inner.applicationCount
    }
  }
}
