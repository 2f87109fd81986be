import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

/// What is stored, and what is computed where it is read.
@Suite struct FuseTests {
  /// h(x) - h(x - 6), which a user of x - 6 multiplies by (x - 6)², and by x² as well if it reads x.
  private func kinks(readsTensor: Bool) throws -> Graph {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [3, 5]))
    let shifted = try builder.add(x, -6)
    let step = try builder.subtract(
      try builder.elementwise(.smoothedStep, x), try builder.elementwise(.smoothedStep, shifted))
    var product = try builder.multiply(step, try builder.multiply(shifted, shifted))
    if readsTensor { product = try builder.multiply(product, try builder.multiply(x, x)) }
    return builder.finish(name: "kinks", outputs: [("step", step), ("product", product)])
  }

  @Test(arguments: [true, false])
  func `a tensor less a scalar is computed anew where the tensor is read, and stored elsewhere`(_ readsTensor: Bool) throws {
    let graph = try kinks(readsTensor: readsTensor)
    let fused = try Fuse.run(graph)
    let stored = fused.nodes.count { $0.operation != nil && $0.type.shape == [3, 5] }
    #expect(stored == (readsTensor ? 2 : 3), "\(fused.text())")
    var generator = SeededGenerator(seed: 5)
    try expectSameValues(fused, graph, [generator.tensor([3, 5])])
  }
}
