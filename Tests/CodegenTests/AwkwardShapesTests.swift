import Codegen
import IR
import NativeCompilation
import Programs
import TensorTypes
import TestSupport
import Testing

/// Compiled convolutions give what the evaluator gives, whatever their shapes and their neighbours.
@Suite struct AwkwardShapesTests {
  private static let tolerance = CompiledEqualsEvaluatedTests.tolerance

  private struct Case {
    let region: AwkwardRegion
    let sample: SampleGraph
    let expected: [HostTensor]
  }

  private static let cases = Result { () throws -> [Case] in
    try (UInt64(1)...200).map { seed in
      let region = AwkwardRegion(seed: seed)
      let sample = try region.sample(name: "region\(seed)")
      return Case(region: region, sample: sample, expected: try sample.graph.evaluate(sample.inputs))
    }
  }

  private static func error(_ found: [HostTensor], _ expected: [HostTensor]) -> Double {
    zip(found, expected).reduce(0) { max($0, compiledError($1.0, $1.1)) }
  }

  /// The error of a region that is compiled by itself.
  private static func error(_ region: AwkwardRegion, cpu: String) throws -> Double {
    let sample = try region.sample(name: "region")
    let family = try CompiledFamily([sample.graph], cpu: cpu)
    return error(try family.run(sample.graph, sample.inputs), try sample.graph.evaluate(sample.inputs))
  }

  @Test("Convolutions of awkward shapes among awkward neighbours, on processors that differ by rounding only")
  func compiledEqualsEvaluated() throws {
    let cases = try Self.cases.get()
    var best: [[HostTensor]] = []
    for cpu in runnableProcessors.suffix(3).reversed() {
      let family = try CompiledFamily(cases.map(\.sample.graph), cpu: cpu)
      let results = try cases.map { try family.run($0.sample.graph, $0.sample.inputs) }
      if best.isEmpty { best = results }
      let failures = cases.indices.filter {
        max(Self.error(results[$0], cases[$0].expected), Self.error(results[$0], best[$0])) > Self.tolerance
      }
      guard let first = failures.first.map({ cases[$0].region }) else { continue }
      let smallest = try first.shrunk { try Self.error($0, cpu: cpu) > Self.tolerance }
      Issue.record(
        """
        wrong for \(cpu): \(failures.map { cases[$0].sample.graph.name }.joined(separator: ", ")); the simplest failing \
        form of the first is
        \(smallest) with an error of \(try Self.error(smallest, cpu: cpu))
        \(try smallest.sample(name: "simplest").graph.text())
        """)
    }
  }

  @Test(
    "Results written past the caches are those written into them, to the last bit", arguments: runnableProcessors.suffix(2))
  func pastCaches(cpu: String) throws {
    let cases = try Self.cases.get()
    let graphs = cases.map(\.sample.graph)
    let compiler = Compiler(cpu: try TargetCPU.resolve(named: cpu), compiler: try CCompiler.locate(), cacheByteCount: 0)
    let summaries = try compiler.programs(graphs).flatMap { $0.steps.map(\.summary) }
    #expect(summaries.count { $0.contains("past caches") } >= 20)
    let kept = try CompiledFamily(graphs, cpu: cpu)
    let written = try CompiledFamily(graphs, cpu: cpu, cacheByteCount: 0)
    for example in cases {
      let (graph, inputs) = (example.sample.graph, example.sample.inputs)
      #expect(try written.run(graph, inputs) == kept.run(graph, inputs), "\(graph.name)")
    }
  }

  @Test("The family reaches every algorithm, from sources in rows and in blocks")
  func coverage() throws {
    let compiler = Compiler(cpu: .best, compiler: try CCompiler.locate())
    let programs = try compiler.programs(try Self.cases.get().map(\.sample.graph))
    let summaries = programs.flatMap { $0.steps.map(\.summary) }.filter { $0.contains("convolution") }
    for algorithm in ["direct tile", "direct tile by phases", "pointwise tile", "depthwise tile", "loops"] {
      // Depthwise convolutions of few channels are loops.
      for layout in algorithm == "depthwise tile" ? ["{nChw16c}"] : ["]", "{nChw16c}"] {
        let count = summaries.count { $0.contains("[\(algorithm)") && $0.hasSuffix(layout) }
        #expect(count >= 2, "\(algorithm) into \(layout)")
      }
    }
  }
}
