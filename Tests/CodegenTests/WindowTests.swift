import Codegen
import IR
import NativeCompilation
import Operators
import Passes
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

  @Test("Max pooling of images in blocks is one step, which stores positions as bytes only where derivatives read them")
  func schedule() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 24, 9, 9]))
    let source = try builder.elementwise(.sine, x)
    let window = Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1], dilations: [1, 1], extents: [5, 5])
    let pooled = try builder.elementwise(.sine, try builder.maxPool(source, window))
    let next = Window(kernel: [2, 2], strides: [1, 1], pads: [0, 0], dilations: [1, 1], extents: [4, 4])
    let sums = try builder.append(WindowSum(window: next), [pooled])
    let forward = builder.finish(name: "pool", outputs: [("y", try builder.sum(sums, axes: [0, 1, 2, 3]))])
    let second = try forward.hessianVectorProduct(of: "y", withRespectTo: "x")
    let compiler = Compiler(cpu: TargetCPU.best, compiler: try CCompiler.locate())
    let programs = try compiler.programs([forward, Pipeline.simplify(second)])
    let stored = "i64[2,24,5,5]{nChw16c number in window}"
    for (program, isStored) in zip(programs, [false, true]) {
      let steps = program.steps.map(\.summary).filter { $0.contains("windowIndexOfMaximum") }
      #expect(steps.count == 1 && steps[0].contains("windowIndexOfMaximum + take"), "\(program.text)")
      #expect(program.text.contains(stored) == isStored, "\(program.text)")
    }
    let adjoints = programs[1].steps.filter { $0.summary.contains("untake") }
    #expect(!adjoints.isEmpty && adjoints.allSatisfy { $0.summary.contains("[windows]") }, "\(programs[1].text)")
  }
}
