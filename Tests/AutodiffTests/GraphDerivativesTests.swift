import Autodiff
import IR
import Operators
import TensorTypes
import TestSupport
import Testing

@Suite struct GraphDerivativesTests {
  private func graph(_ build: (GraphBuilder, Value) throws -> [(String, Value)]) rethrows -> Graph {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [3]))
    return builder.finish(name: "g", outputs: try build(builder, x))
  }

  private let point = HostTensor(TensorType(.float64, [3]), .double([0.5, -1, 2]))

  @Test func anInputThatNothingDependsOnHasZeroGradient() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2]))
    _ = builder.input("unused", TensorType(.float32, [3]))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.elementwise(.sine, x))])
    let gradient = try graph.gradient(of: "y", withRespectTo: ["unused", "x"])
    #expect(gradient.outputs.map(\.name) == ["y", "gradient.unused", "gradient.x"])
    let results: [HostTensor] = try gradient.evaluate([HostTensor([2], [Float(0), 0]), HostTensor([3], [Float(0), 0, 0])])
    #expect(results[1].doubles == [0, 0, 0])
    #expect(results[2].doubles == [1, 1])
  }

  @Test func anOutputThatIsAnInputIsItsOwnTangent() throws {
    let graph = graph { _, x in [("same", x)] }
    let pushforward = try graph.pushforward()
    #expect(pushforward.outputs.map(\.name) == ["same", "tangent.same"])
    let results: [HostTensor] = try pushforward.evaluate([point, point])
    #expect(results[1] == point)
    let pullback: [HostTensor] = try graph.pullback().evaluate([point, point])
    #expect(pullback[1] == point)
  }

  @Test func cotangentsOfSeveralOutputsAdd() throws {
    let graph = try graph { builder, x in
      [("square", try builder.multiply(x, x)), ("same", x), ("square again", try builder.multiply(x, x))]
    }
    try Laws.derivativesHold(graph, [point])
  }

  @Test func derivativesOfOrderThreeFollow() throws {
    // The third derivative of x⁴ is 24 x.
    let graph = try graph { builder, x in
      let square = try builder.multiply(x, x)
      return [("y", try builder.multiply(square, square))]
    }
    let first = try graph.gradient(of: "y", withRespectTo: ["x"])
    let second = try first.gradient(of: "gradient.x", withRespectTo: ["x"])
    let third = try renamingGradient(second).gradient(of: "second", withRespectTo: ["x"])
    let results: [HostTensor] = try third.evaluate([point])
    #expect(relativeError(results[results.count - 1], HostTensor(point.type, .double([12, -24, 48]))) < 1e-12)
  }

  private func renamingGradient(_ graph: Graph) -> Graph {
    let last = graph.outputs[graph.outputs.count - 1].value
    return Graph(
      name: graph.name, nodes: graph.nodes, inputs: graph.inputs, outputs: [Graph.Output(name: "second", value: last)])
  }

  @Test func theDerivativeOfReluIsZeroBesideAnInfinity() throws {
    // The cotangent is infinite where relu is flat; 0 · ∞ must not make it NaN.
    let graph = try graph { builder, x in [("y", try builder.elementwise(.relu, x))] }
    let infinity = HostTensor(point.type, .double([.infinity, .infinity, 1]))
    let results: [HostTensor] = try graph.pullback().evaluate([point, infinity])
    #expect(results[1].doubles == [.infinity, 0, 1])
  }

  @Test func kinksTakeTheSideThatPyTorchTakes() throws {
    let zero = HostTensor(point.type, .double([0, 0, 6]))
    let ones = HostTensor(point.type, .double([1, 1, 1]))
    func cotangent(_ build: (GraphBuilder, Value) throws -> Value) throws -> [Double] {
      let graph = try graph { builder, x in [("y", try build(builder, x))] }
      let results: [HostTensor] = try graph.pullback().evaluate([zero, ones])
      return results[1].doubles
    }
    #expect(try cotangent { builder, x in try builder.elementwise(.relu, x) } == [0, 0, 1])
    #expect(try cotangent { builder, x in try builder.clip(x, 0, 6) } == [0, 0, 0])
    #expect(try cotangent { builder, x in try builder.elementwise(.absolute, x) } == [0, 0, 1])
    #expect(try cotangent { builder, x in try builder.elementwise(.power, x, builder.scalar(2, like: x)) } == [0, 0, 12])
  }

  @Test func aFusedGraphIsNotDifferentiated() throws {
    let body = try graph { builder, x in [("y", try builder.elementwise(.relu, x))] }
    let graph = try graph { builder, x in [("y", try builder.append(Fused(body: body), [x]))] }
    for derive in [{ try graph.pushforward() }, { try graph.pullback() }] as [() throws -> Graph] {
      let error = try #require(throws: TypeError.self) { try derive() }
      #expect(error.description == "fused(): has no derivative: differentiate before fusing and erasing surrogates")
    }
  }

  @Test func namesThatDoNotExistAreRefused() throws {
    let graph = graph { _, x in [("y", x)] }
    let output = try #require(throws: TypeError.self) { try graph.gradient(of: "z", withRespectTo: ["x"]) }
    #expect(output.problem == "graph @g lacks output z or one of the inputs [\"x\"]")
    #expect(throws: TypeError.self) { try graph.gradient(of: "y", withRespectTo: ["w"]) }
    #expect(throws: TypeError.self) { try graph.hessianVectorProduct(of: "y", withRespectTo: "w") }
  }

  @Test func everyDerivedNodeNamesItsSourceAndRule() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2]))
    builder.location = Location(node: "activation")
    let graph = builder.finish(name: "g", outputs: [("y", try builder.elementwise(.relu, x))])
    let derived = try graph.pullback().nodes.dropFirst(graph.nodes.count).filter { $0.operation != nil }
    #expect(!derived.isEmpty)
    #expect(derived.allSatisfy { $0.location == Location(node: "activation", derivation: "pullback of relu") })
    let tangents = try graph.pushforward().nodes.dropFirst(graph.nodes.count).filter { $0.operation != nil }
    #expect(!tangents.isEmpty)
    #expect(tangents.allSatisfy { $0.location == Location(node: "activation", derivation: "pushforward of relu") })
  }
}
