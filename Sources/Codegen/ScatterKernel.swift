import IR
import TensorTypes

/// result = 0, then result[target] += expression: sequential within a task, so that the order of additions is fixed.
struct ScatterKernel {
  private let region: Region

  init(_ region: Region) { self.region = region }

  func emit(parallelRank: Int, _ extents: [Int], _ target: [IndexExpression], _ expression: LoopExpression) throws
    -> KernelText
  {
    guard let anchor = region.anchor else { preconditionFailure("a scatter has an anchor") }
    let node = region.body[anchor]
    let result = region.result
    let shape = result.shape
    let isBlocked = result.layout == .blocked
    // Leading axes that tasks run over; in blocked layout the second one counts blocks of channels.
    let taskRank = min(parallelRank, isBlocked ? 2 : parallelRank)
    let taskExtents = (0..<taskRank).map { isBlocked && $0 == 1 ? result.channelBlocks : shape[$0] }
    let slab = result.elementCount / max(1, taskExtents.reduce(1, *))

    var lines = LoopKernel.pointers(region) + ["for (long task = first; task < end; task++) {", "long rest = task;"]
    for axis in (0..<taskRank).reversed() {
      let name = isBlocked && axis == 1 ? "block" : "i\(axis)"
      lines.append("const long \(name) = rest % \(taskExtents[axis]); rest /= \(taskExtents[axis]);")
    }
    lines.append("memset(y + task * \(slab)L, 0, \(slab * result.type.element.byteCount)UL);")
    var closing = 1
    if isBlocked && taskRank == 2 {
      lines.append("for (long i1 = block * 16; i1 < block * 16 + 16 && i1 < \(shape[1]); i1++) {")
      closing += 1
    }
    for axis in taskRank..<max(parallelRank, taskRank) {
      lines.append("for (long i\(axis) = 0; i\(axis) < \(shape[axis]); i\(axis)++) {")
      closing += 1
    }
    for (k, extent) in extents.enumerated() {
      lines.append("for (long k\(k) = 0; k\(k) < \(extent); k\(k)++) {")
      closing += 1
    }
    var emitter = ExpressionEmitter(
      region, names: (0..<shape.rank).map { "i\($0)" } + extents.indices.map { "k\($0)" })
    let index = emitter.identity(shape.rank + extents.count)
    let term = try emitter.emit(expression, of: node, index, element: node.type.element)
    let offset = try emitter.offsetText(result, target.map { emitter.substitute($0, of: node, index) })
    lines += emitter.takeLines() + ["y[\(offset)] += \(term.text);"] + [String](repeating: "}", count: closing)
    return KernelText(body: lines.joined(separator: "\n"), taskCount: max(1, taskExtents.reduce(1, *)))
  }
}
