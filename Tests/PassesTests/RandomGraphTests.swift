import Autodiff
import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

/// A pass under test by its name.
struct NamedPass: Sendable, CustomStringConvertible {
  let pass: any Pass.Type
  var description: String { pass.name }
}

@Suite struct RandomGraphTests {
  static let seeds = Array(UInt64(1)...60)
  /// Passes that keep the derivative of surrogates, in Pipeline's order.
  static let preparing: [NamedPass] = [
    NamedPass(pass: FoldConstants.self), NamedPass(pass: FoldBatchNorm.self), NamedPass(pass: Simplify.self),
    NamedPass(pass: ShareSubexpressions.self), NamedPass(pass: NestConcatenations.self),
    NamedPass(pass: RemoveDeadNodes.self),
  ]

  @Test(arguments: preparing, seeds)
  func everyPassKeepsValuesAndDerivatives(pass: NamedPass, seed: UInt64) throws {
    try RandomGraphs.graph(seed: seed).check { sample in
      let result = try pass.pass.run(sample.graph)
      try expectSameSignature(result, sample.graph)
      try expectSameValues(result, sample.graph, sample.inputs)
      try expectSameDerivatives(result, sample.graph, sample.inputs)
    }
  }

  @Test(arguments: seeds)
  func eraseSurrogatesKeepsValuesAndLeavesNoSurrogate(seed: UInt64) throws {
    try RandomGraphs.graph(seed: seed).check { sample in
      let result = try EraseSurrogates.run(sample.graph)
      try expectSameSignature(result, sample.graph)
      try expectSameValues(result, sample.graph, sample.inputs)
      if result.nodes.contains(where: { ($0.operation as? Elementwise)?.isSurrogate == true }) {
        throw LawViolation("a surrogate is left")
      }
    }
  }

  @Test(arguments: seeds)
  func fusedRegionsComputeTheSameValues(seed: UInt64) throws {
    try RandomGraphs.graph(seed: seed).check { sample in
      let result = try Fuse.run(try Pipeline.simplify(sample.graph))
      try expectSameSignature(result, sample.graph)
      try expectSameValues(result, sample.graph, sample.inputs)
    }
  }

  @Test(arguments: seeds)
  func gatheredFactorsOfGradientsComputeTheSameValues(seed: UInt64) throws {
    try RandomGraphs.graph(seed: seed).check { sample in
      let output = sample.graph.outputs[0]
      guard sample.graph[output.value].type.element.isFloatingPoint else { return }
      let names = sample.graph.inputs.filter { sample.graph[$0].type.element.isFloatingPoint }
        .map(sample.graph.name(ofInput:))
      let gradient = try Pipeline.simplify(sample.graph.gradient(of: output.name, withRespectTo: names))
      let gathered = try GatherEarlyFactors.run(gradient)
      try expectSameValues(gathered, gradient, sample.inputs)
      try expectSameValues(try Fuse.run(gathered), gradient, sample.inputs)
    }
  }

  @Test(arguments: seeds)
  func passesRunTwiceChangeNothingMore(seed: UInt64) throws {
    let idempotent: [any Pass.Type] = [Simplify.self, ShareSubexpressions.self, RemoveDeadNodes.self, EraseSurrogates.self]
    try RandomGraphs.graph(seed: seed).check { sample in
      for pass in idempotent {
        let once = try pass.run(sample.graph)
        if try pass.run(once) != once { throw LawViolation("\(pass.name) changes its own result") }
      }
      let folded = try RemoveDeadNodes.run(try FoldConstants.run(sample.graph))
      if try RemoveDeadNodes.run(try FoldConstants.run(folded)) != folded {
        throw LawViolation("FoldConstants changes its own result")
      }
    }
  }

  @Test(arguments: seeds)
  func preparingThenDifferentiatingThenSimplifyingGivesTheDerivativeOfTheOriginal(seed: UInt64) throws {
    try RandomGraphs.graph(seed: seed, steps: 10).check { sample in
      let prepared = try Pipeline.prepare(sample.graph)
      try expectSameSignature(prepared, sample.graph)
      try expectSameDerivatives(prepared, sample.graph, sample.inputs)
      let output = sample.graph.outputs[0]
      guard sample.graph[output.value].type.element.isFloatingPoint else { return }
      let names = sample.graph.inputs.filter { sample.graph[$0].type.element.isFloatingPoint }
        .map(sample.graph.name(ofInput:))
      let expected = try sample.graph.gradient(of: output.name, withRespectTo: names)
      let found = try Pipeline.simplify(prepared.gradient(of: output.name, withRespectTo: names))
      try expectSameSignature(found, expected)
      try expectSameValues(found, expected, sample.inputs)
    }
  }

  @Test(arguments: seeds)
  func preparedAndSimplifiedGraphsParseBack(seed: UInt64) throws {
    try RandomGraphs.graph(seed: seed).check { sample in
      try Laws.textParsesBack(sample.graph)
      try Laws.textParsesBack(try Pipeline.simplify(sample.graph))
    }
  }

  @Test(arguments: seeds.prefix(12))
  func graphsHoldTheDerivativeLawsThemselves(seed: UInt64) throws {
    try RandomGraphs.graph(seed: seed, steps: 8).check { sample in
      try Laws.pullbackIsAdjoint(sample.graph, sample.inputs, tolerance: 1e-11)
    }
  }

  @Test func aFailureShrinksToItsCause() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2]))
    let before = try builder.elementwise(.sine, x)
    let cause = try builder.multiply(before, try builder.elementwise(.negate, try builder.elementwise(.cosine, before)))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.add(cause, 1)), ("z", before)])
    let failure = try #require(throws: ShrunkFailure.self) {
      try SampleGraph(graph: graph, inputs: [HostTensor([2], [Float(1), 2])]).check { part in
        if part.graph.nodes.contains(where: { ($0.operation as? Elementwise)?.function == .negate }) {
          throw LawViolation("negates")
        }
      }
    }
    #expect(
      failure.description == """
        negates
        in the smallest failing part
        graph @g(%cut2: f32[2]) -> (y: f32[2]) {
          %1 = negate(%cut2) : f32[2]
          return %1
        }

        """)
  }
}

func expectSameSignature(_ result: Graph, _ original: Graph) throws {
  try result.verify()
  func signature(_ graph: Graph) -> [String] {
    graph.inputs.map { "\(graph.name(ofInput: $0)): \(graph[$0].type)" }
      + graph.outputs.map { "\($0.name): \(graph[$0.value].type)" }
  }
  guard signature(result) == signature(original), result.name == original.name else {
    throw LawViolation("the signature became \(signature(result))")
  }
}

func expectSameValues(_ result: Graph, _ original: Graph, _ inputs: [HostTensor], tolerance: Double = 1e-11) throws {
  let found: [HostTensor] = try result.evaluate(inputs)
  let expected: [HostTensor] = try original.evaluate(inputs)
  for (output, (found, expected)) in zip(original.outputs, zip(found, expected)) {
    // What cancels to nothing is compared with the inputs' size of 1.
    let error = relativeError(found, expected)
    let largest = found.doubles.reduce(0) { max($0, abs($1)) }
    guard error <= tolerance || largest <= tolerance && expected.doubles.allSatisfy({ abs($0) <= tolerance }) else {
      throw LawViolation("output \(output.name) is off by \(error) after rewriting to\n\(result.text())")
    }
  }
}

func expectSameDerivatives(_ result: Graph, _ original: Graph, _ inputs: [HostTensor]) throws {
  var generator = SeededGenerator(seed: 61)
  let directions = inputs.filter(\.type.element.isFloatingPoint).map { generator.direction($0.type) }
  let found = try Laws.pushforward(result, inputs, directions)
  let expected = try Laws.pushforward(original, inputs, directions)
  for (index, (found, expected)) in zip(found, expected).enumerated() {
    let error = relativeError(found, expected)
    guard error <= 1e-10 || (found.doubles + expected.doubles).allSatisfy({ abs($0) <= 1e-11 }) else {
      throw LawViolation("the derivative of output \(index) is off by \(error) after rewriting to\n\(result.text())")
    }
  }
}
