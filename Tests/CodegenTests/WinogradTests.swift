import Codegen
import IR
import NativeCompilation
import Operators
import Programs
import TensorTypes
import TestSupport
import Testing

/// Convolutions of 3 × 3 in the form of Winograd give what their direct sums give.
@Suite struct WinogradTests {
  struct Shapes: Sendable, CustomStringConvertible {
    var batch = 1
    var sourceChannels = 32
    var resultChannels = 32
    var size = [7, 7]

    var description: String { "\(batch) x \(sourceChannels) -> \(resultChannels) of \(size[0]) x \(size[1])" }
  }

  private static let catalogue = [
    Shapes(), Shapes(batch: 2, resultChannels: 17, size: [8, 9]), Shapes(resultChannels: 17, size: [33, 7]),
    Shapes(resultChannels: 17, size: [7, 57]), Shapes(resultChannels: 128), Shapes(sourceChannels: 400, resultChannels: 17),
  ]

  private struct Case {
    let name: String
    let sample: SampleGraph
    let expected: [HostTensor]
  }

  private static let cases = Result { () throws -> [Case] in
    try catalogue.flatMap { shapes in
      try [Convolution.Role.output, .input].map { solving in
        let name = "\(shapes), \(solving)"
        let sample = try sample(shapes, solving: solving)
        return Case(name: name, sample: sample, expected: try sample.graph.evaluate(sample.inputs))
      }
    }
  }

  /// The convolution of an image in blocks, with a residual and a ReLU behind it, whose operand is an output as well.
  private static func sample(_ shapes: Shapes, solving: Convolution.Role) throws -> SampleGraph {
    var generator = SeededGenerator(seed: 11)
    let builder = GraphBuilder()
    let source = Shape([shapes.batch, shapes.sourceChannels] + shapes.size)
    let result = Shape([shapes.batch, shapes.resultChannels] + shapes.size)
    let x = builder.input("x", TensorType(.float32, source))
    let residual = builder.input("residual", TensorType(.float32, result))
    let channels =
      solving == .output
      ? [shapes.resultChannels, shapes.sourceChannels] : [shapes.sourceChannels, shapes.resultChannels]
    let filter = builder.constant(
      generator.tensor(Shape(channels + [3, 3]), in: -0.06...0.06).roundedToFloat, name: "filter")
    let image = try builder.elementwise(.sine, x)
    let convolution = Convolution(
      solving: solving, strides: [1, 1], pads: [1, 1], dilations: [1, 1], groups: 1, shape: result)
    let sum = try builder.append(convolution, solving == .output ? [image, filter] : [filter, image])
    let z = try builder.add(sum, try builder.elementwise(.sine, residual))
    let graph = builder.finish(name: "\(shapes), \(solving)", outputs: [("z", z), ("y", try builder.elementwise(.relu, z))])
    return SampleGraph(
      graph: graph,
      inputs: [
        generator.tensor(source, in: -2...2).roundedToFloat, generator.tensor(result, in: -1...1).roundedToFloat,
      ])
  }

  private static func count(_ graph: Graph, cpu: TargetCPU = .best) throws -> Int {
    let steps = try Compiler(cpu: cpu, compiler: try CCompiler.locate()).programs([graph])[0].steps
    return steps.count { $0.summary.contains("[winograd tile 2x2]") }
  }

  @Test("Forward and backward, sizes even and odd, few and many channels", arguments: runnableProcessors)
  func compiledEqualsEvaluated(cpu: String) throws {
    let cases = try Self.cases.get()
    let family = try CompiledFamily(cases.map(\.sample.graph), cpu: cpu)
    for example in cases {
      #expect(try Self.count(example.sample.graph, cpu: .resolve(named: cpu)) == 1, "\(example.name)")
      let found = try family.run(example.sample.graph, example.sample.inputs)
      for (number, tensor) in example.expected.enumerated() {
        let error = compiledError(found[number], tensor)
        #expect(error <= CompiledEqualsEvaluatedTests.tolerance, "\(example.name), output \(number)")
      }
    }
  }

  @Test("The same bytes for an image alone and in a batch")
  func batch() throws {
    var shapes = Shapes(batch: 3, size: [13, 14])
    let several = try Self.sample(shapes, solving: .output)
    shapes.batch = 1
    let one = try Self.sample(shapes, solving: .output).graph
    let together = try CompiledFamily([several.graph]).run(several.graph, several.inputs)
    for image in 0..<3 {
      func part(_ tensor: HostTensor) -> HostTensor {
        let count = tensor.type.shape.elementCount / 3
        let shape = Shape([1] + tensor.type.shape.extents[1...])
        return HostTensor(shape, Array(tensor.floats[image * count..<(image + 1) * count]))
      }
      let alone = try CompiledFamily([one]).run(one, several.inputs.map(part))
      #expect(alone == together.map(part))
    }
  }

  @Test("Filters are transformed once for all programs that use them")
  func weights() throws {
    let sample = try Self.sample(Shapes(), solving: .output)
    let compiler = Compiler(cpu: .best, compiler: try CCompiler.locate())
    let one = try compiler.compile([sample.graph]).constants.count
    let two = try compiler.compile([sample.graph, sample.graph.renamed("other")]).constants.count
    #expect(one == two)
  }

  @Test("Work is counted as it is done: 16 products for what takes 36 directly, and the transforms")
  func operations() throws {
    let sample = try Self.sample(Shapes(sourceChannels: 64, resultChannels: 64, size: [28, 28]), solving: .output)
    let steps = try Compiler(cpu: .best, compiler: try CCompiler.locate()).programs([sample.graph])[0].steps
    let step = try #require(steps.first { $0.summary.contains("[winograd tile 2x2]") })
    let (products, transforms, elementwise) = (2 * 16 * 64 * 64 * 14 * 14, 24 * (64 + 64) * 14 * 14, 4 * 64 * 28 * 28)
    #expect((products + transforms...products + transforms + elementwise).contains(step.floatingPointOperations))
  }
}
