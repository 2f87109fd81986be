import Autodiff
import Codegen
import Execution
import IR
import NativeCompilation
import Operators
import Passes
import Programs
import TensorTypes
import Testing

/// Warps and medians with their derivatives, compiled.
@Suite struct ImageFilterTests {
  /// Σ w · filter(x) and its gradients, which are those of a filter whose values do not tie.
  private func graph(_ name: String) throws -> Graph {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 3, 21, 18]))
    let flow = builder.input("flow", TensorType(.float32, [2, 2, 21, 18]))
    let weights = builder.input("w", TensorType(.float32, [2, 3, 21, 18]))
    let filtered: Value
    switch name {
    case "warp": filtered = try builder.bilinearWarp(x, flow: flow)
    case "median2": filtered = try builder.median(x, size: 2)
    default: filtered = try builder.median(x, size: 3)
    }
    let gradients = try builder.pullback([(filtered, weights)], to: [x, flow])
    return try Pipeline.simplify(
      builder.finish(name: name, outputs: [("y", filtered), ("dx", gradients[0]), ("dflow", gradients[1])]))
  }

  @Test(arguments: ["warp", "median2", "median3"])
  func `compiled filters and their derivatives are those evaluated`(name: String) throws {
    let graph = try graph(name)
    func tensor(_ channels: Int, _ step: Int, _ scale: Double) -> HostTensor {
      let count = 2 * channels * 21 * 18
      // All numbers differ: the step has no factor in common with a prime beyond the count.
      return HostTensor(
        [2, channels, 21, 18], (0..<count).map { Float(scale * (Double($0 * step % 2273) / 2273 - 0.5)) })
    }
    let inputs = ["x": tensor(3, 977, 1), "flow": tensor(2, 611, 7), "w": tensor(3, 389, 2)]
    let expected = try graph.evaluate(inputs)
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    let results = try Executable(try compiler.compile([graph]), threads: 2).run(name, inputs)
    for output in name == "warp" ? ["y", "dx", "dflow"] : ["y", "dx"] {
      let distance = relativeDistance(try #require(results[output]), try #require(expected[output]))
      #expect(distance <= 2e-6, "\(output)")
    }
  }
}
