import IR
import Operators
import TensorTypes

/// The plain loops of a region: over the result's index in the order of its memory, 16 elements at a time where every load
/// and the store are contiguous or uniform, else one by one.
enum LoopKernel {
  /// Terms that are summed one after the other.
  static let longestSum = 64

  static func kernel(_ region: Region) -> KernelText {
    if let vector = try? emit(region, vectorising: true) { return vector }
    do { return try emit(region, vectorising: false) } catch {
      preconditionFailure("scalar loops exist for every region: \(error)\n\(region.body.text())")
    }
  }

  private static func emit(_ region: Region, vectorising: Bool) throws -> KernelText {
    if case .scatterAdd(let rank, let extents, let target, let expression)? = region.anchor.flatMap(region.loopForm) {
      if vectorising { throw NeedsScalarLoops() }
      return try ScatterKernel(region).emit(parallelRank: rank, extents, target, expression)
    }
    let nest = try LoopNest(over: region.result.shape, into: region.result, vectorising: vectorising)
    var emitter = ExpressionEmitter(region, names: nest.names, lane: nest.lane)
    if let anchor = region.anchor { emitter.define(anchor, as: try reduction(anchor, region, &emitter)) }
    let identity = emitter.identity(region.result.shape.rank)
    let value = try emitter.emit(region.root, at: identity)
    let store = try nest.store(value, &emitter)
    let statements = emitter.takeLines() + store
    return try nest.wrap(pointers(region), statements, &emitter)
  }

  /// Declarations of the operand pointers p0, p1, ... and of the results y, y1, ...
  static func pointers(_ region: Region) -> [String] {
    region.operands.enumerated().map { number, buffer in
      let type = "const \(buffer.cType)"
      return "\(type) *restrict p\(number) = (\(type) *)operands[\(number)];"
    }
      + region.results.enumerated().map { number, buffer in
        let type = buffer.cType
        return "\(type) *restrict \(resultName(number)) = (\(type) *)operands[\(region.operands.count + number)];"
      }
  }

  /// The C pointer to a result.
  static func resultName(_ number: Int) -> String { number == 0 ? "y" : "y\(number)" }

  /// The loops of a reduction, and the value they leave.
  private static func reduction(_ anchor: Value, _ region: Region, _ emitter: inout ExpressionEmitter) throws -> Emitted {
    let node = region.body[anchor]
    let rank = node.type.shape.rank
    let outer = emitter.takeLines()
    func loops(_ extents: [Int]) -> [String] {
      extents.enumerated().map { "for (long k\($0.offset) = 0; k\($0.offset) < \($0.element); k\($0.offset)++) {" }
    }
    func close(_ count: Int) -> [String] { [String](repeating: "}", count: count) }
    func scoped(_ extents: [Int]) -> ExpressionEmitter {
      var inner = emitter
      inner.names = Array(emitter.names.prefix(rank)) + extents.indices.map { "k\($0)" }
      return inner
    }
    switch region.loopForm(anchor) {
    case .sum(let extents, let expression):
      var inner = scoped(extents)
      let index = inner.identity(rank + extents.count)
      let isVector = emitter.lane != nil
      let term = try inner.emit(expression, of: node, index, element: node.type.element)
      let text = isVector && !term.isVector ? "v_splat(\(term.text))" : term.text
      let type = isVector ? "v16" : node.type.element.cType
      var nest = loops(extents)
      var closing = close(extents.count)
      var target = "sum"
      if let last = extents.last, extents.reduce(1, *) > longestSum {
        // Parts of the innermost loop are summed apart, which keeps the rounding of long sums small.
        let k = "k\(extents.count - 1)"
        target = "part"
        nest.removeLast()
        nest += [
          "for (long start = 0; start < \(last); start += \(longestSum)) {", "\(type) part = \(isVector ? "{0}" : "0");",
          "const long stop = start + \(longestSum) < \(last) ? start + \(longestSum) : \(last);",
          "for (long \(k) = start; \(k) < stop; \(k)++) {",
        ]
        closing = ["}", "sum += part;", "}"] + close(extents.count - 1)
      }
      emitter.prepend(
        outer + ["\(type) sum = \(isVector ? "{0}" : "0");"] + nest + inner.takeLines() + ["\(target) += \(text);"] + closing
      )
      return Emitted(text: "sum", element: node.type.element, isVector: isVector)
    case .indexOfMaximum(let extents, let expression, let position):
      if emitter.lane != nil { throw NeedsScalarLoops() }
      var inner = scoped(extents)
      let index = inner.identity(rank + extents.count)
      var condition = "1"
      var candidate = expression
      if case .guarded(let conditions, let guarded, _) = expression {
        condition = try inner.conditionText(conditions)
        candidate = guarded
      }
      let element = region.body[node.operands[0]].type.element
      let term = try inner.emit(candidate, of: node, index, element: element)
      let at = try inner.indexText(position)
      emitter.prepend(
        outer + ["\(element.cType) best = 0; long at = -1;"] + loops(extents) + ["if (\(condition)) {"] + inner.takeLines()
          + ["if (at < 0 || \(term.text) > best) { best = \(term.text); at = \(at); }", "}"] + close(extents.count))
      return Emitted(text: "at", element: .int64, isVector: false)
    default: preconditionFailure("\(node.operation?.mnemonic ?? "") is no reduction")
    }
  }
}
