import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

/// Tensors that sweeps made one after the other, and what is multiplied of them.
@Suite struct GatherEarlyFactorsTests {
  private static let shape: Shape = [2, 3, 4, 5]

  /// Three convolutions after each other: the oldest, the middle and the newest of three tensors of one shape.
  private struct Sweeps {
    let builder = GraphBuilder()
    let tensors: [Value]

    init() throws {
      var generator = SeededGenerator(seed: 9)
      var tensors = [builder.input("x", TensorType(.float32, GatherEarlyFactorsTests.shape))]
      for number in 0..<3 {
        let filter = builder.constant(generator.tensor([3, 3, 1, 1]), name: "filter\(number)")
        tensors.append(
          try builder.convolution(
            tensors[number], filter, strides: [1, 1], padsLow: [0, 0], padsHigh: [0, 0], dilations: [1, 1], groups: 1))
      }
      self.tensors = Array(tensors.dropFirst())
    }

    func graph(_ y: Value) -> Graph { builder.finish(name: "sweeps", outputs: [("y", y)]) }
  }

  /// How many products the newest tensor is a factor of.
  private func productsOfNewest(_ graph: Graph) throws -> Int {
    let newest = try #require(graph.values.last { graph[$0].operation is Convolution })
    return graph.nodes.count { ($0.operation as? Elementwise)?.function == .multiply && $0.operands.contains(newest) }
  }

  private func expectSame(_ gathered: Graph, _ graph: Graph) throws {
    try gathered.verify()
    var generator = SeededGenerator(seed: 4)
    try expectSameValues(gathered, graph, [generator.tensor(Self.shape)])
  }

  @Test(arguments: [ScalarFunction.add, .subtract], [[false, false], [false, true], [true, false], [true, true]])
  func `a sum of products with the newest tensor has it as a factor once, whatever the signs`(
    function: ScalarFunction, areNegative: [Bool]
  ) throws {
    let sweeps = try Sweeps()
    let (z, d, c) = (sweeps.tensors[0], sweeps.tensors[1], sweeps.tensors[2])
    let shifted = try sweeps.builder.add(z, -6)
    let terms = try zip([z, shifted], areNegative).map { argument, isNegative in
      let product = try sweeps.builder.multiply(c, d)
      let signed = isNegative ? try sweeps.builder.elementwise(.negate, product) : product
      return try sweeps.builder.multiply(signed, try sweeps.builder.elementwise(.smoothedStepSlope, argument))
    }
    let graph = sweeps.graph(try sweeps.builder.elementwise(function, terms[0], terms[1]))
    let gathered = try GatherEarlyFactors.run(graph)
    #expect(try productsOfNewest(graph) == 2 && productsOfNewest(gathered) == 1, "\(gathered.text())")
    try expectSame(gathered, graph)
  }

  @Test func `older tensors are multiplied with each other first`() throws {
    let sweeps = try Sweeps()
    let (z, d, c) = (sweeps.tensors[0], sweeps.tensors[1], sweeps.tensors[2])
    let product = try sweeps.builder.multiply(try sweeps.builder.multiply(z, c), d)
    let graph = sweeps.graph(product)
    let gathered = try GatherEarlyFactors.run(graph)
    let last = gathered[gathered.outputs[0].value]
    let older = try #require(last.operands.last)
    #expect(gathered[last.operands[0]].operation is Convolution)
    #expect(gathered[older].operands.allSatisfy { gathered[$0].operation is Convolution }, "\(gathered.text())")
    try expectSame(gathered, graph)
  }

  @Test func `products with one older tensor, or of tensors that are known together, stay`() throws {
    let sweeps = try Sweeps()
    let (z, c) = (sweeps.tensors[0], sweeps.tensors[2])
    let own = try sweeps.builder.multiply(try sweeps.builder.multiply(c, z), try sweeps.builder.elementwise(.sine, z))
    let known = try sweeps.builder.multiply(try sweeps.builder.multiply(own, c), try sweeps.builder.elementwise(.sine, c))
    let graph = sweeps.graph(known)
    #expect(try GatherEarlyFactors.run(graph) == graph)
  }
}
