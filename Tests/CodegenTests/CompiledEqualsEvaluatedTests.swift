import Autodiff
import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

/// Compiled code gives what the reference evaluator gives, for every operator of the catalogue and every schedule.
@Suite struct CompiledEqualsEvaluatedTests {
  /// Rounding of operands and results: a few units in the last place, more where a sum cancels.
  static let tolerance = 2e-6

  @Test("Every sample of the catalogue, all in one family", arguments: runnableProcessors)
  func catalogue(cpu: String) throws {
    var graphs: [Graph] = []
    for (number, sample) in Samples.all.enumerated() { graphs.append(try sample.graph().renamed("sample\(number)")) }
    let family = try CompiledFamily(graphs, cpu: cpu)
    let saved = try family.saved()
    #expect(try saved.family.saved().bytes == saved.bytes, "an artifact of \(saved.bytes.count) bytes saved again")
    for (graph, sample) in zip(graphs, Samples.all) {
      let inputs = sample.operands.map(\.roundedToFloat)
      let expected: [HostTensor] = try graph.evaluate(inputs)
      let found = try family.run(graph, inputs)
      #expect(compiledError(found[0], expected[0]) <= Self.tolerance, "\(sample)")
      #expect(try saved.family.run(graph, inputs) == found, "\(sample), from its artifact")
    }
  }

  @Test(
    "Convolutions and products with constant weights, whose result is stored in blocks and read twice",
    arguments: runnableProcessors)
  func schedules(cpu: String) throws {
    let cases = ScheduleSamples.all
    let family = try CompiledFamily(cases.map(\.graph), cpu: cpu)
    let saved = try family.saved().family
    for sample in cases {
      let expected: [HostTensor] = try sample.graph.evaluate(sample.inputs)
      let found = try family.run(sample.graph, sample.inputs)
      for (found, expected) in zip(found, expected) {
        #expect(compiledError(found, expected) <= Self.tolerance, "\(sample.graph.text())")
      }
      #expect(try saved.run(sample.graph, sample.inputs) == found, "\(sample.graph.text()), from its artifact")
    }
  }

  @Test("Random graphs and their gradients, simplified and fused")
  func randomGraphs() throws {
    var cases: [(graph: Graph, inputs: [HostTensor])] = []
    for seed in UInt64(1)...60 {
      let sample = try RandomGraphs.graph(seed: seed)
      let inputs = sample.inputs.map(\.roundedToFloat)
      cases.append((try Pipeline.simplify(sample.graph).renamed("value\(seed)"), inputs))
      let pullback = try sample.graph.pullback()
      var generator = SeededGenerator(seed: seed)
      let cotangents = pullback.inputs.dropFirst(inputs.count).map { generator.direction(pullback[$0].type).roundedToFloat }
      cases.append((try Pipeline.simplify(pullback).renamed("pullback\(seed)"), inputs + cotangents))
    }
    let family = try CompiledFamily(cases.map(\.graph))
    for (graph, inputs) in cases {
      let expected: [HostTensor] = try graph.evaluate(inputs)
      for (found, expected) in zip(try family.run(graph, inputs), expected) {
        // Some of these gradients cancel exactly; what is left then are roundings of terms near one.
        let scale = expected.type.element.isFloatingPoint ? expected.doubles.reduce(0) { max($0, abs($1)) } : 1
        #expect(compiledError(found, expected) * min(scale, 1) <= 2e-5, "\(graph.text())")
      }
    }
  }

  @Test("The same bytes for one thread and two")
  func threadCount() throws {
    let cases = ScheduleSamples.all
    let one = try CompiledFamily(cases.map(\.graph), threads: 1)
    let two = try CompiledFamily(cases.map(\.graph), threads: 2)
    for sample in cases { #expect(try one.run(sample.graph, sample.inputs) == two.run(sample.graph, sample.inputs)) }
  }

  @Test("The same bytes for an image wherever it stands in a batch, whatever stands beside it")
  func batchPosition() throws {
    var generator = SeededGenerator(seed: 5)
    let graph = try ScheduleSamples.smallNetwork(batch: 4)
    let family = try CompiledFamily([graph])
    let image = generator.tensor([1, 3, 13, 13]).floats
    let others = generator.tensor([3, 3, 13, 13]).floats
    let first = try family.run(graph, [HostTensor([4, 3, 13, 13], image + others)])
    let last = try family.run(graph, [HostTensor([4, 3, 13, 13], others.map { -$0 } + image)])
    for (first, last) in zip(first, last) {
      let size = first.floats.count / 4
      #expect(Array(first.floats.prefix(size)) == Array(last.floats.suffix(size)))
    }
  }

  @Test("A data-dependent index outside of its axis is an error that names the node")
  func indexError() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [4]))
    let index = builder.input("index", TensorType(.int64, [2]))
    builder.location = Location(node: "pick")
    let y = try builder.append(Gather(axis: 0), [x, index])
    let graph = builder.finish(name: "gather", outputs: [("y", y)])
    let family = try CompiledFamily([graph])
    let error = #expect(throws: (any Error).self) {
      try family.run(graph, [HostTensor([4], [1, 2, 3, 4] as [Float]), HostTensor([2], [0, 4] as [Int64])])
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("pick"))
  }
}
