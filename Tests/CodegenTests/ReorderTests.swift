import Codegen
import IR
import NativeCompilation
import Operators
import Programs
import TensorTypes
import TestSupport
import Testing

/// Inputs and outputs are row-major; what happens between them happens in blocks of channels.
@Suite struct ReorderTests {
  /// Images with planes of whole and of broken groups of 16 positions, and channels that fill blocks and that do not.
  private static let shapes: [Shape] = [
    [1, 16, 4, 4], [2, 33, 5, 7], [1, 9, 1, 1], [3, 24, 3, 11], [1, 48, 27, 40], [2, 8, 16, 1],
  ]

  private static func tanh(_ x: Value, _ builder: GraphBuilder) throws -> Value {
    try builder.elementwise(.hyperbolicTangent, x)
  }

  private static func steps(_ graph: Graph) throws -> [String] {
    try Compiler(cpu: .best, compiler: try CCompiler.locate()).programs([graph])[0].steps.map(\.summary)
  }

  private static func convolution(_ x: Value, groups: Int, _ builder: GraphBuilder) throws -> Value {
    var generator = SeededGenerator(seed: 31)
    let channels = builder.shape(of: x)[1]
    let filter = generator.tensor([channels, channels / groups, 3, 3], in: -0.3...0.4).roundedToFloat
    return try builder.convolution(
      x, builder.constant(filter, name: "filter"), strides: [1, 1], padsLow: [1, 1], padsHigh: [1, 1], dilations: [1, 1],
      groups: groups)
  }

  @Test("A convolution between an input and an output of 16 channels is a tile between two reorders", arguments: [1, 16])
  func convolutionBetweenReorders(groups: Int) throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 16, 9, 10]))
    let y = try builder.add(try Self.convolution(x, groups: groups, builder), x)
    let steps = try Self.steps(builder.finish(name: "y", outputs: [("y", y)]))
    #expect(steps.count == 3)
    #expect(steps.first == "reorder [transpose] -> f32[2,16,9,10]{nChw16c}")
    #expect(steps[1].contains("tile") && steps[1].hasSuffix("{nChw16c}"))
    #expect(steps.last == "reorder [transpose] -> f32[2,16,9,10]")
  }

  @Test("Images of few channels, and images that no convolution touches, stay as they are")
  func noReorders() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 3, 9, 10]))
    let z = builder.input("z", TensorType(.float32, [2, 16, 9, 10]))
    let y = try Self.convolution(x, groups: 1, builder)
    let graph = builder.finish(name: "y", outputs: [("y", y), ("w", try Self.tanh(z, builder))])
    #expect(try Self.steps(graph).allSatisfy { !$0.contains("reorder") })
  }

  @Test("Reorders and reshapes of images in blocks keep every element", arguments: runnableProcessors)
  func reordersAndReshapes(cpu: String) throws {
    var graphs: [Graph] = []
    for (number, shape) in Self.shapes.enumerated() {
      let builder = GraphBuilder()
      let x = builder.input("x", TensorType(.float32, shape))
      let flat = builder.input("flat", TensorType(.float32, [shape.elementCount]))
      let filtered = try Self.convolution(x, groups: 1, builder)
      let stored = try Self.tanh(x, builder)
      let image = try builder.reshape(try Self.tanh(flat, builder), shape)
      graphs.append(
        builder.finish(
          name: "reorder\(number)",
          outputs: [
            ("filtered", filtered), ("x", x), ("flattened", try builder.reshape(stored, [shape.elementCount])),
            ("sum", try builder.add(stored, try builder.multiply(filtered, 0.5))),
            ("unflattened", try Self.convolution(image, groups: shape[1], builder)),
          ]))
    }
    let family = try CompiledFamily(graphs, cpu: cpu)
    for (graph, shape) in zip(graphs, Self.shapes) {
      var generator = SeededGenerator(seed: 32)
      let inputs = [generator.tensor(shape), generator.tensor([shape.elementCount])].map(\.roundedToFloat)
      let expected: [HostTensor] = try graph.evaluate(inputs)
      for (found, expected) in zip(try family.run(graph, inputs), expected) {
        #expect(compiledError(found, expected) <= CompiledEqualsEvaluatedTests.tolerance, "\(graph.text())")
      }
    }
  }
}
