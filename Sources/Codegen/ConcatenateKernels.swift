import IR
import Operators
import TensorTypes

/// One kernel for each operand of a concatenation, which copies it to its place in the result.
enum ConcatenateKernels {
  static func kernels(_ region: Region, axis: Int) -> [KernelText] {
    let node = region.body[region.root]
    var start = 0
    return node.operands.enumerated().map { number, operand in
      let extent = region.body[operand].type.shape[axis]
      let shift = LoopNest.Shift(axis: axis, amount: start, isLast: number == node.operands.count - 1)
      start += extent
      if let vector = try? kernel(region, operand, shift, vectorising: true) { return vector }
      do { return try kernel(region, operand, shift, vectorising: false) } catch {
        preconditionFailure("scalar loops exist for every region: \(error)\n\(region.body.text())")
      }
    }
  }

  private static func kernel(_ region: Region, _ operand: Value, _ shift: LoopNest.Shift, vectorising: Bool) throws
    -> KernelText
  {
    let shape = region.body[operand].type.shape
    let nest = try LoopNest(over: shape, into: region.result, shift: shift, vectorising: vectorising)
    var emitter = ExpressionEmitter(region, names: nest.names, lane: nest.lane)
    let value = try emitter.emit(operand, at: emitter.identity(shape.rank))
    let store = try nest.store(value, &emitter)
    let statements = emitter.takeLines() + store
    return try nest.wrap(LoopKernel.pointers(region), statements, &emitter)
  }
}
