import Adjoint
import IR
import Operators
import TensorTypes
import Testing

@Suite struct OperationCountTests {
  @Test func `a convolution costs two operations for each product, an activation one for each element`() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 3, 8, 8]))
    let w = builder.input("w", TensorType(.float32, [5, 3, 3, 3]))
    let y = try builder.convolution(
      x, w, strides: [2, 2], padsLow: [1, 1], padsHigh: [1, 1], dilations: [1, 1], groups: 1)
    let z = try builder.elementwise(.relu, y)
    let graph = builder.finish(name: "cost", outputs: [("z", z)])
    #expect(graph.floatingPointOperations == 2 * (2 * 5 * 4 * 4) * (3 * 3 * 3) + 2 * 5 * 4 * 4)
  }
}
