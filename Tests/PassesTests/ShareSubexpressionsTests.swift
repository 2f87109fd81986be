import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

@Suite struct ShareSubexpressionsTests {
  private func shared(_ build: (GraphBuilder, Value, Value) throws -> [Value]) throws -> [String] {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 2])), y = builder.input("y", TensorType(.float32, [2, 2]))
    let values = try build(builder, x, y)
    let graph = builder.finish(name: "g", outputs: values.enumerated().map { ("y\($0.offset)", $0.element) })
    let result = try ShareSubexpressions.run(graph)
    try expectSameSignature(result, graph)
    let inputs = [HostTensor([2, 2], [Float(1), -2, 3, 4]), HostTensor([2, 2], [Float(0.5), 6, 7, -8])]
    try expectSameValues(result, graph, inputs, tolerance: 0)
    return result.nodes.map { $0.operation?.mnemonic ?? ($0.constant == nil ? "input" : "constant") }
  }

  @Test func equalOperationsAreComputedOnce() throws {
    let nodes = try shared { builder, x, y in
      let first = try builder.elementwise(.relu, try builder.subtract(x, y))
      let second = try builder.elementwise(.relu, try builder.subtract(x, y))
      return [first, second]
    }
    #expect(nodes == ["input", "input", "subtract", "relu"])
  }

  @Test func operandsOfWhatCommutesMayBeSwapped() throws {
    let nodes = try shared { builder, x, y in
      [try builder.add(x, y), try builder.add(y, x), try builder.subtract(x, y), try builder.subtract(y, x)]
    }
    #expect(nodes == ["input", "input", "add", "subtract", "subtract"])
  }

  @Test func attributesTellOperationsApart() throws {
    let nodes = try shared { builder, x, y in
      [
        try builder.append(MatrixProduct(), [x, y]), try builder.append(MatrixProduct(transposeLeft: true), [x, y]),
        try builder.sum(x, axes: [0]), try builder.sum(x, axes: [1]), try builder.sum(x, axes: [0]),
      ]
    }
    #expect(nodes == ["input", "input", "matrixProduct", "matrixProduct", "sum", "sum"])
  }

  @Test func constantsOfEqualTypeAndBitsAreOne() throws {
    let small = TensorType(.float32, [2, 2]), large = TensorType(.float32, [20, 20])
    let nodes = try shared { builder, _, _ in
      [
        builder.constant(.filled(small, with: 1)), builder.constant(HostTensor([2, 2], [Float(1), 1, 1, 1])),
        builder.constant(.filled(small, with: 2)), builder.constant(.filled(large, with: 1)),
        builder.constant(.filled(large, with: 1)), builder.constant(.filled(large, with: 2)),
        builder.constant(.filled(TensorType(.float64, [2, 2]), with: 1)),
        builder.constant(HostTensor(small, .double([0, 0, 0, 0]))),
        builder.constant(HostTensor(small, .double([-0.0, 0, 0, 0]))),
      ]
    }
    #expect(nodes.count == 2 + 7)
  }

  @Test func copiesOfANetworkThatDifferInSurrogatesShareTheirForwardPartOnceThoseAreErased() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 2]))
    func network(_ activation: (Value) throws -> Value) throws -> Value {
      let y = try activation(try builder.elementwise(.sine, x))
      return try builder.elementwise(.relu, try builder.append(MatrixProduct(), [y, y]))
    }
    let plain = try network { $0 }
    let surrogate = try network { try builder.elementwise(.stopGradient, $0) }
    let graph = builder.finish(name: "g", outputs: [("plain", plain), ("surrogate", surrogate)])
    let apart = try ShareSubexpressions.run(graph)
    #expect(apart.nodes.count { $0.operation is MatrixProduct } == 2)
    let merged = try ShareSubexpressions.run(try EraseSurrogates.run(apart))
    #expect(merged.nodes.count { $0.operation is MatrixProduct } == 1)
    #expect(merged.outputs[0].value == merged.outputs[1].value)
  }
}
