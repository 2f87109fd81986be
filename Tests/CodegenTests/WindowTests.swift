import Codegen
import IR
import NativeCompilation
import Operators
import Programs
import TensorTypes
import TestSupport
import Testing

/// Pooling compiled for images in blocks and in planes is what the reference evaluator says, exactly.
@Suite struct WindowTests {
  @Test("Max pooling and window sums, their gradients and Hessian-vector products", arguments: runnableProcessors)
  func values(cpu: String) throws {
    let family = try CompiledFamily(WindowSample.all.map(\.graph), cpu: cpu)
    for sample in WindowSample.all {
      for special in [[], [-.infinity], [.nan, .infinity, -.infinity]] as [[Double]] {
        let inputs = sample.inputs(with: special)
        let expected: [HostTensor] = try sample.graph.evaluate(inputs)
        for (number, (found, expected)) in zip(try family.run(sample.graph, inputs), expected).enumerated() {
          #expect(
            compiledError(found, expected) == 0, "output \(number) with \(special)\n\(sample.graph.text())")
        }
      }
    }
  }

  @Test("The same bytes for one to four threads")
  func threadCount() throws {
    let samples = WindowSample.all.prefix(8)
    let one = try CompiledFamily(samples.map(\.graph), threads: 1)
    for threads in 2...4 {
      let several = try one.running(threads: threads)
      for sample in samples {
        let inputs = sample.inputs()
        #expect(try one.run(sample.graph, inputs) == several.run(sample.graph, inputs), "\(sample.window)")
      }
    }
  }

  @Test("Max pooling of images in blocks stores bytes, and no step of its second derivative runs in scalar loops")
  func schedule() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 24, 9, 9]))
    let source = try builder.elementwise(.sine, x)
    let window = Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1], dilations: [1, 1], extents: [5, 5])
    let pooled = try builder.elementwise(.sine, try builder.maxPool(source, window))
    let graph = try builder.finish(
      name: "pool", outputs: [("y", try builder.sum(pooled, axes: [0, 1, 2, 3]))]
    ).hessianVectorProduct(of: "y", withRespectTo: "x")
    let compiler = Compiler(cpu: TargetCPU.best, compiler: try CCompiler.locate(), cache: nil)
    let steps = try compiler.programs([graph])[0].steps
    let positions = steps.filter { $0.summary.contains("windowIndexOfMaximum") }
    #expect(positions.count == 1 && positions[0].summary.hasSuffix("{nChw16c, position in window}"))
    #expect(steps.filter { $0.summary.contains("untake") }.allSatisfy { $0.summary.contains("[windows]") })
  }
}
