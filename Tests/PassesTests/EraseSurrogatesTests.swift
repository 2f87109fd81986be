import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

@Suite struct EraseSurrogatesTests {
  @Test(arguments: Samples.all.filter { ScalarFunction(rawValue: $0.operation.mnemonic)?.isSurrogate == true })
  func everySurrogateGivesWayToItsValue(sample: Sample) throws {
    let graph = try sample.graph()
    let erased = try EraseSurrogates.run(graph)
    try expectSameSignature(erased, graph)
    #expect(!erased.nodes.contains { ($0.operation as? Elementwise)?.function.isSurrogate == true })
    let found: [HostTensor] = try erased.evaluate(sample.operands)
    let expected: [HostTensor] = try graph.evaluate(sample.operands)
    #expect(found == expected)
  }

  @Test func everySurrogateHasASample() {
    let sampled = Set(Samples.all.map(\.operation.mnemonic))
    let missing = ScalarFunction.allCases.filter { $0.isSurrogate && !sampled.contains($0.rawValue) }
    #expect(missing.isEmpty)
    let hasSurrogates = ScalarFunction.allCases.contains { $0.isSurrogate }
    #expect(hasSurrogates)
  }

  @Test func otherOperationsStay() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2]))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.elementwise(.relu, try builder.add(x, 1)))])
    #expect(try EraseSurrogates.run(graph) == graph.closed())
  }

  @Test func everyPassKeepsAGraphClosed() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2]))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.elementwise(.reluSmoothed, try builder.add(x, 1)))])
    let closed = try EraseSurrogates.run(graph)
    let passes: [any Pass.Type] = Pipeline.preparation + Pipeline.simplification + [Fuse.self]
    for pass in passes {
      let open = pass == EraseSurrogates.self ? false : try pass.run(graph).isClosed
      #expect(!open, "\(pass.name)")
      #expect(try pass.run(closed).isClosed, "\(pass.name)")
    }
  }
}
