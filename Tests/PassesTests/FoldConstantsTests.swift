import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

@Suite struct FoldConstantsTests {
  private func folded(_ build: (GraphBuilder) throws -> Value) throws -> Graph {
    let builder = GraphBuilder()
    let graph = builder.finish(name: "g", outputs: [("y", try build(builder))])
    let result = try RemoveDeadNodes.run(try FoldConstants.run(graph))
    try expectSameSignature(result, graph)
    return result
  }

  @Test func anOperationOnConstantsIsAConstantInF64() throws {
    let graph = try folded { builder in
      let third = try builder.divide(builder.scalar(1), builder.scalar(3))
      return try builder.add(third, 1e-12)
    }
    #expect(graph.nodes.count == 1)
    #expect(graph.nodes[0].constant == .scalar(1.0 / 3 + 1e-12))
  }

  @Test func shapeArithmeticFoldsAway() throws {
    let graph = try folded { builder in
      let shape = builder.constant(HostTensor([4], [Int64(2), 3, 4, 5]), name: "shape")
      let batch = try builder.append(Gather(axis: 0), [shape, builder.constant(HostTensor([1], [Int64(0)]))])
      let rest = try builder.slice(shape, axis: 0, from: 1, to: 4)
      let height = try builder.slice(rest, axis: 0, from: 0, to: 1), width = try builder.slice(rest, axis: 0, from: 1, to: 2)
      let product = try builder.multiply(height, width)
      return try builder.append(Concatenate(axis: 0), [batch, product])
    }
    #expect(graph.nodes.count == 1)
    #expect(graph.nodes[0].constant?.integers == [2, 12])
  }

  @Test func aBroadcastAloneStays() throws {
    let graph = try folded { builder in try builder.broadcast(builder.scalar(1), to: [64, 64]) }
    #expect(graph.nodes.map(\.operation?.mnemonic) == [nil, "broadcast"])
  }

  @Test func elementwiseOperationsFoldBeneathTheirBroadcasts() throws {
    let graph = try folded { builder in
      let channels = builder.constant(HostTensor([2], [Float(1), 2]), name: "c")
      let wide = try builder.broadcast(channels, to: [8, 2, 100, 100], axes: [1])
      return try builder.multiply(wide, 3)
    }
    #expect(graph.nodes.map(\.operation?.mnemonic) == [nil, "broadcast"])
    #expect(graph.nodes[0].constant?.doubles == [3, 6])
  }

  @Test func aResultMuchLargerThanItsOperandsStays() throws {
    let graph = try folded { builder in
      let row = builder.constant(.filled(TensorType(.float32, [100, 1]), with: 1), name: "row")
      return try builder.append(MatrixProduct(transposeRight: true), [row, row])
    }
    #expect(graph.nodes.map(\.operation?.mnemonic) == [nil, "matrixProduct"])
  }

  @Test func whatFailsToEvaluateStays() throws {
    let graph = try folded { builder in
      try builder.divide(builder.scalar(1, .int64), builder.scalar(0, .int64))
    }
    #expect(graph.nodes.compactMap(\.operation?.mnemonic) == ["divide"])
    #expect(throws: EvaluationError.self) { try graph.evaluate([]) as [HostTensor] }
  }

  @Test func foldedConstantsAreNamedAfterTheLargest() throws {
    let graph = try folded { builder in
      let weights = builder.constant(.filled(TensorType(.float32, [3]), with: 1), name: "conv.weight")
      return try builder.add(try builder.multiply(weights, 2), 1)
    }
    guard case .constant(let constant) = graph.nodes[0].content else { return }
    #expect(constant.name.hasPrefix("conv.weight.folded"))
  }
}
