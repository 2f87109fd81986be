import Autodiff
import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

@Suite struct EraseSurrogatesTests {
  private func hasSurrogates(_ graph: Graph) -> Bool {
    graph.nodes.contains { ($0.operation as? Elementwise)?.isSurrogate == true }
  }

  @Test(arguments: Samples.surrogates)
  func everySurrogateGivesWayToItsValue(sample: Sample) throws {
    let graph = try sample.graph()
    let erased = try EraseSurrogates.run(graph)
    try expectSameSignature(erased, graph)
    #expect(hasSurrogates(graph) && !hasSurrogates(erased))
    let found: [HostTensor] = try erased.evaluate(sample.operands)
    let expected: [HostTensor] = try graph.evaluate(sample.operands)
    #expect(found == expected)
  }

  /// Preparation keeps the declared derivative; simplification behind the differentiation leaves nothing to differentiate.
  @Test(arguments: Samples.surrogates)
  func aSurrogateOutlivesPreparationAndNotSimplification(sample: Sample) throws {
    guard sample.operands[0].type.element.isFloatingPoint else { return }
    let graph = try sample.graph()
    let prepared = try Pipeline.prepare(graph)
    let derivative = try prepared.pullback()
    let expected = try graph.pullback()
    let simplified = try Pipeline.simplify(derivative)
    #expect(hasSurrogates(prepared) && !hasSurrogates(simplified) && simplified.isClosed)
    var generator = SeededGenerator(seed: 61)
    let inputs = sample.operands + [generator.direction(sample.operands[0].type)]
    let values: [HostTensor] = try expected.evaluate(inputs)
    #expect(try derivative.evaluate(inputs) == values)
    for (found, value) in zip(try simplified.evaluate(inputs) as [HostTensor], values) {
      #expect(relativeError(found, value) <= 1e-14)
    }
    #expect(throws: TypeError.self) { try simplified.pullback() }
    #expect(throws: TypeError.self) { try simplified.pushforward() }
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
    let y = try builder.append(Elementwise(.relu, declaring: .smoothed), [try builder.add(x, 1)])
    let graph = builder.finish(name: "g", outputs: [("y", y)])
    let closed = try EraseSurrogates.run(graph)
    let passes: [any Pass.Type] = Pipeline.preparation + Pipeline.simplification + [Fuse.self]
    for pass in passes {
      let open = pass == EraseSurrogates.self ? false : try pass.run(graph).isClosed
      #expect(!open, "\(pass.name)")
      #expect(try pass.run(closed).isClosed, "\(pass.name)")
    }
  }

  /// A rewrite that rebuilds an operation keeps its declared derivative.
  @Test(arguments: Samples.derivatives)
  func simplificationOfOperandsKeepsTheDeclaredDerivative(derivative: KinkDerivative) throws {
    let function: ScalarFunction = derivative == .straightThrough ? .roundHalfEven : .relu
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [2]))
    let wide = try builder.append(Broadcast(shape: [3, 2, 2], axes: [1]), [x])
    let y = try builder.append(Elementwise(function, declaring: derivative), [wide])
    let simplified = try Simplify.run(builder.finish(name: "g", outputs: [("y", y)]))
    let kept = simplified.nodes.compactMap { $0.operation as? Elementwise }
    #expect(kept.map(\.function) == [function] && kept.map(\.declared) == [derivative])
    #expect(simplified.nodes.last?.operation is Broadcast)
  }
}
