import Codegen
import IR
import NativeCompilation
import Operators
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

  @Test func `what is only known later stays a step of its own`() throws {
    let steps = try Self.steps(
      Self.graph { z, first, builder in
        let spread = try builder.mean(z, axes: [2, 3], keepAxes: true)
        return try builder.multiply(z, try builder.broadcast(spread, to: builder.shape(of: z)))
      })
    #expect(steps.contains { $0.summary.contains("multiply [loops]") })
  }
}
