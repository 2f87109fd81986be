import Autodiff
import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

@Suite struct SubstituteDerivativesTests {
  /// relu(clip(x, 0, 6) - 1) and a maximum, each from a node of its own.
  private func graph() throws -> Graph {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [4]))
    builder.location = Location(node: "clip")
    let clipped = try builder.clip(x, 0, 6)
    builder.location = Location(node: "relu")
    let y = try builder.elementwise(.relu, try builder.add(clipped, -1))
    return builder.finish(
      name: "g", outputs: [("y", try builder.elementwise(.maximum, y, builder.scalar(0.5, .float64)))])
  }

  private func functions(_ graph: Graph) -> [ScalarFunction] {
    graph.nodes.compactMap { ($0.operation as? Elementwise)?.function }
  }

  private let point = [HostTensor(TensorType(.float64, [4]), .double([-1, 0.5, 3, 7]))]

  @Test(arguments: [
    (KinkDerivative.plain, [ScalarFunction.clip, .add, .relu, .maximum]),
    (.smoothed, [.clipSmoothed, .add, .reluSmoothed, .maximum]),
    (.sigmoid, [.clipSigmoid, .add, .reluSigmoid, .maximum]),
  ])
  func everyReluAndClipIsReplacedAndNothingElse(derivative: KinkDerivative, expected: [ScalarFunction]) throws {
    let substituted = try SubstituteDerivatives(all: derivative).run(try graph())
    #expect(functions(substituted) == expected)
    #expect(substituted.isClosed == false)
    let found: [HostTensor] = try substituted.evaluate(point)
    let values: [HostTensor] = try graph().evaluate(point)
    #expect(found == values)
    #expect(try EraseSurrogates.run(substituted) == graph().closed())
  }

  @Test func aNodeCanDifferFromItsOperator() throws {
    let one = SubstituteDerivatives([.clip: .smoothed], byNode: ["relu": .sigmoid])
    #expect(functions(try one.run(try graph())) == [.clipSmoothed, .add, .reluSigmoid, .maximum])
    let other = SubstituteDerivatives([.relu: .smoothed, .clip: .smoothed], byNode: ["clip": .plain])
    #expect(functions(try other.run(try graph())) == [.clip, .add, .reluSmoothed, .maximum])
  }

  @Test func aNodeOfAnotherOperatorStays() throws {
    let named = SubstituteDerivatives([:], byNode: ["relu": .smoothed])
    #expect(functions(try named.run(try graph())) == [.clip, .add, .reluSmoothed, .maximum])
  }

  @Test func integersStay() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.int64, [2]))
    let graph = builder.finish(
      name: "g", outputs: [("y", try builder.elementwise(.clip, x, builder.scalar(0, .int64), builder.scalar(1, .int64)))])
    #expect(try SubstituteDerivatives(all: .smoothed).run(graph) == graph)
  }

  @Test func copiesThatDifferInTheirDerivativesMergeOnceTheseAreErased() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [4]))
    let plain = try builder.elementwise(.relu, x), smoothed = try builder.elementwise(.reluSmoothed, x)
    let graph = builder.finish(name: "g", outputs: [("y", try builder.add(plain, smoothed))])
    #expect(functions(try ShareSubexpressions.run(graph)).count == 3)
    #expect(functions(try ShareSubexpressions.run(try EraseSurrogates.run(graph))) == [.relu, .add])
  }
}
