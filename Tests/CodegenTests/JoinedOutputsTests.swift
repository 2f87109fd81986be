import Codegen
import IR
import NativeCompilation
import Operators
import Passes
import Programs
import TensorTypes
import TestSupport
import Testing

/// Elementwise operations after a convolution become further outputs of its kernel.
@Suite struct JoinedOutputsTests {
  private static func steps(_ graph: Graph) throws -> [Step] {
    try Compiler(cpu: .best, compiler: try CCompiler.locate()).programs([graph])[0].steps
  }

  /// z = convolution(r) and what `following` makes of it, both of which a second convolution and a product read.
  private static func graph(_ following: (Value, Value, GraphBuilder) throws -> Value) throws -> Graph {
    var generator = SeededGenerator(seed: 17)
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 3, 8, 8]))
    func convolution(_ x: Value, to channels: Int) throws -> Value {
      let filter = generator.tensor([channels, builder.shape(of: x)[1], 3, 3])
      return try builder.convolution(
        x, builder.constant(filter, name: "filter\(channels)"), strides: [1, 1], padsLow: [1, 1], padsHigh: [1, 1],
        dilations: [1, 1], groups: 1)
    }
    let first = try convolution(x, to: 24)
    let z = try convolution(try builder.elementwise(.sine, first), to: 32)
    let more = try following(z, first, builder)
    let last = try convolution(more, to: 16)
    let product = try builder.multiply(try convolution(z, to: 8), try convolution(more, to: 8))
    return builder.finish(
      name: "joined", outputs: [("y", try builder.sum(last, axes: [1, 2, 3])), ("z", try builder.sum(product, axes: [1, 2, 3]))])
  }

  @Test func `a ReLU whose operand is needed as well is the second output of the convolution`() throws {
    let steps = try Self.steps(Self.graph { z, _, builder in try builder.elementwise(.relu, z) })
    let joined = steps.filter { $0.summary.hasPrefix("convolution + relu [direct tile") }
    #expect(joined.count == 1)
    #expect(joined.allSatisfy { $0.summary.hasSuffix("-> f32[2,32,8,8]{nChw16c}, f32[2,32,8,8]{nChw16c}") })
    #expect(!steps.contains { $0.summary.contains("relu [loops]") })
  }

  @Test(arguments: runnableProcessors)
  func `of an image read no more its predicate is kept, as a byte an element in blocks`(_ cpu: String) throws {
    // 24 channels leave lanes of the last block empty.
    let builder = GraphBuilder()
    var generator = SeededGenerator(seed: 29)
    let x = builder.input("x", TensorType(.float32, [2, 24, 7, 9]))
    let filter = builder.constant(generator.tensor([24, 24, 3, 3], in: -0.2...0.2).roundedToFloat, name: "filter")
    func convolution(_ x: Value) throws -> Value {
      try builder.convolution(
        x, filter, strides: [1, 1], padsLow: [1, 1], padsHigh: [1, 1], dilations: [1, 1], groups: 1)
    }
    let bounded = try builder.clip(try convolution(x), -0.5, 0.5)
    let later = try convolution(try convolution(bounded))
    let isInside = try builder.elementwise(
      .logicalAnd, try builder.elementwise(.less, builder.scalar(-0.5, like: bounded), bounded),
      try builder.elementwise(.less, bounded, builder.scalar(0.5, like: bounded)))
    let kept = try builder.elementwise(.select, isInside, later, builder.scalar(0, like: later))
    let graph = try Pipeline.simplify(
      builder.finish(name: "kept", outputs: [("y", try convolution(kept)), ("kept", try builder.sum(kept, axes: [1, 2, 3]))]))

    let steps = try Compiler(cpu: try .resolve(named: cpu), compiler: try CCompiler.locate()).programs([graph])[0].steps
    let results = "f32[2,24,7,9]{nChw16c}, bool[2,24,7,9]{nChw16c}"
    #expect(steps.filter { $0.summary.contains("less") }.map { $0.summary.hasSuffix(results) } == [true])
    let inputs = [generator.tensor([2, 24, 7, 9], in: -1...1).roundedToFloat]
    let expected: [HostTensor] = try graph.evaluate(inputs)
    let computed = try CompiledFamily([graph], cpu: cpu).run(graph, inputs)
    for number in expected.indices {
      #expect(compiledError(computed[number], expected[number]) <= CompiledEqualsEvaluatedTests.tolerance)
    }
  }

  @Test func `what is only known later stays a step of its own`() throws {
    let steps = try Self.steps(
      Self.graph { z, first, builder in
        let spread = try builder.mean(z, axes: [2, 3], keepAxes: true)
        return try builder.multiply(z, try builder.broadcast(spread, to: builder.shape(of: z)))
      })
    #expect(steps.contains { $0.summary.contains("multiply [loops]") })
  }
}
