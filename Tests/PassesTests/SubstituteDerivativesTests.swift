import Autodiff
import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

@Suite struct SubstituteDerivativesTests {
  /// A clip, a leakyRelu, a relu, a rounding and a maximum, each but the last from a node of its own name.
  private func graph() throws -> Graph {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [4]))
    builder.location = Location(node: "clip")
    let clipped = try builder.clip(x, 0, 6)
    builder.location = Location(node: "leaky")
    let leaky = try builder.leakyRelu(try builder.add(clipped, -1), slope: builder.scalar(0.1, .float64))
    builder.location = Location(node: "relu")
    let y = try builder.elementwise(.floor, try builder.elementwise(.relu, leaky))
    return builder.finish(
      name: "g", outputs: [("y", try builder.elementwise(.maximum, y, builder.scalar(0.5, .float64)))])
  }

  /// The elementwise operations as the text form has them, additions aside.
  private func operations(_ graph: Graph) -> [String] {
    graph.nodes.compactMap { node in
      guard let operation = node.operation as? Elementwise, operation.function != .add else { return nil }
      return operation.mnemonic + operation.attributes.description
    }
  }

  private let point = [HostTensor(TensorType(.float64, [4]), .double([-1, 0.5, 3, 7]))]

  @Test(arguments: [
    (KinkDerivative.plain, ["", ""]), (.smoothed, ["{derivative = smoothed}", ""]),
    (.sigmoid, ["{derivative = softplus, sharpness = 1.0}", ""]),
    (.softplus(sharpness: 2.5), ["{derivative = softplus, sharpness = 2.5}", ""]),
    (.guided, ["{derivative = guided}", ""]), (.straightThrough, ["", "{derivative = straightThrough}"]),
  ])
  func everyKinkIsReplacedAndNothingElse(derivative: KinkDerivative, expected: [String]) throws {
    let substituted = try SubstituteDerivatives(all: derivative).run(try graph())
    #expect(
      operations(substituted) == [
        "clip\(expected[0])", "leakyRelu\(expected[0])", "relu\(expected[0])", "floor\(expected[1])", "maximum",
      ])
    #expect(substituted.isClosed == false)
    let found: [HostTensor] = try substituted.evaluate(point)
    let values: [HostTensor] = try graph().evaluate(point)
    #expect(found == values)
    #expect(try EraseSurrogates.run(substituted) == graph().closed())
    #expect(try SubstituteDerivatives(all: .plain).run(substituted) == graph())
    try Laws.textParsesBack(substituted)
  }

  private let smoothed = "{derivative = smoothed}", guided = "{derivative = guided}"

  @Test func aNodeCanDifferFromItsOperator() throws {
    let one = SubstituteDerivatives([.clip: .smoothed], byNode: ["relu": .guided])
    #expect(operations(try one.run(try graph())) == ["clip\(smoothed)", "leakyRelu", "relu\(guided)", "floor", "maximum"])
    let other = SubstituteDerivatives(all: .smoothed).byFunction
    #expect(
      operations(try SubstituteDerivatives(other, byNode: ["clip": .plain, "leaky": .guided]).run(try graph()))
        == ["clip", "leakyRelu\(guided)", "relu\(smoothed)", "floor", "maximum"])
  }

  @Test func aNodeOfAnotherOperatorStays() throws {
    let named = SubstituteDerivatives([:], byNode: ["relu": .smoothed])
    #expect(operations(try named.run(try graph())) == ["clip", "leakyRelu", "relu\(smoothed)", "floor", "maximum"])
  }

  @Test func whatCannotHaveTheDerivativeIsRefusedByName() throws {
    let words = "only relu, clip and leakyRelu can have a smoothed derivative"
    for (substitution, expected) in [
      (SubstituteDerivatives([.relu: .smoothed, .maximum: .smoothed]), "maximum(): \(words)"),
      (
        SubstituteDerivatives([:], byNode: ["relu": .smoothed, "rleu": .smoothed]),
        "substituteDerivatives(): node \"rleu\" has no operation for its derivative: \(words)"
      ),
    ] {
      let error = try #require(throws: TypeError.self) { try substitution.run(try graph()) }
      #expect(error.description == expected)
    }
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
    var sum = try builder.elementwise(.relu, x)
    let derivatives: [KinkDerivative] = [.smoothed, .sigmoid, .softplus(sharpness: 2), .guided]
    for derivative in derivatives {
      sum = try builder.add(sum, try builder.append(Elementwise(.relu, declaring: derivative), [x]))
    }
    let graph = builder.finish(name: "g", outputs: [("y", sum)])
    #expect(operations(try ShareSubexpressions.run(graph)).count == 5)
    #expect(operations(try ShareSubexpressions.run(try EraseSurrogates.run(graph))) == ["relu"])
  }
}
