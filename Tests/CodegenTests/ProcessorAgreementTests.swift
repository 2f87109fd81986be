import NativeCompilation
import Passes
import TensorTypes
import TestSupport
import Testing

/// Code for an older processor computes the same numbers but for rounding.
@Suite struct ProcessorAgreementTests {
  @Test("A network of inverted residuals and its gradient are the same on every processor but for rounding")
  func mobileNetwork() throws {
    let sample = try MobileNetwork.sample(batch: 2)
    let graph = try Pipeline.simplify(sample.graph).renamed("mobile")
    let expected: [HostTensor] = try sample.graph.evaluate(sample.inputs)
    let best = try CompiledFamily([graph]).run(graph, sample.inputs)
    for cpu in runnableProcessors {
      let results = try CompiledFamily([graph], cpu: cpu).run(graph, sample.inputs)
      for (number, output) in graph.outputs.enumerated() {
        let tolerance = CompiledEqualsEvaluatedTests.tolerance
        #expect(compiledError(results[number], best[number]) <= tolerance, "\(output.name) on \(cpu)")
        #expect(compiledError(results[number], expected[number]) <= tolerance, "\(output.name) on \(cpu)")
      }
    }
  }
}
