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

  /// The results z, d and c of three convolutions, d times h(z) leading from one to the next, and c times d times h'(z), or
  /// h'(z - 1) where that is read too, beside what a fourth makes of c.
  private func sweeps(areShifted: Bool, _ generator: inout SeededGenerator) throws -> Graph {
    let builder = GraphBuilder()
    func convolved(_ x: Value) throws -> Value {
      try builder.convolution(
        x, builder.constant(generator.tensor([3, 3, 1, 1]), name: "filter"), strides: [1, 1], padsLow: [0, 0],
        padsHigh: [0, 0], dilations: [1, 1], groups: 1)
    }
    let z = try convolved(builder.input("x", TensorType(.float32, [1, 3, 4, 4])))
    let d = try convolved(try builder.elementwise(.relu, z))
    let kink = areShifted ? try builder.add(z, -1) : z
    let c = try convolved(try builder.multiply(d, try builder.elementwise(.smoothedStep, kink)))
    let early = try builder.multiply(d, try builder.elementwise(.smoothedStepSlope, kink))
    let later = try convolved(try builder.elementwise(.absolute, c))
    return builder.finish(
      name: "sweeps", outputs: [("y", try builder.add(try builder.multiply(c, early), later))])
  }

  @Test(arguments: [false, true])
  func `what tensors are read for last is stored behind the newest of them`(areShifted: Bool) throws {
    var generator = SeededGenerator(seed: 6)
    let graph = try sweeps(areShifted: areShifted, &generator)
    let fused = try Fuse.run(graph)
    try fused.verify()
    func holds(_ node: Node, _ function: ScalarFunction) -> Bool {
      (node.operation as? Fused)?.body.nodes.contains { ($0.operation as? Elementwise)?.function == function } ?? false
    }
    let convolutions = fused.nodes.indices.filter { fused.nodes[$0].operation is Convolution }
    let product = try #require(fused.nodes.firstIndex { holds($0, .smoothedStepSlope) })
    // d is the second of the convolutions and c the third, behind which what is made of it and the product stands.
    #expect(convolutions.count == 4 && convolutions[1] < product && product < convolutions[2], "\(fused.text())")
    #expect(fused.nodes[convolutions[2] + 1].operands.contains(Value(product)), "\(fused.text())")
    try expectSameValues(fused, graph, [generator.tensor([1, 3, 4, 4])])
  }
}
