import Autodiff
import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

@Suite struct PipelineTests {
  /// Convolution, batch norm, ReLU, pooling and a linear layer: the smallest network of the kind that is attacked.
  private func network() throws -> Graph {
    var generator = SeededGenerator(seed: 91)
    let builder = GraphBuilder()
    func weights(_ name: String, _ shape: Shape, in range: ClosedRange<Double> = -1...1) -> Value {
      builder.constant(generator.tensor(shape, in: range), name: name)
    }
    let x = builder.input("x", TensorType(.float32, [1, 3, 6, 6]))
    builder.location = Location(node: "conv")
    let convolved = try builder.convolution(
      x, weights("conv.weight", [4, 3, 3, 3]), strides: [2, 2], padsLow: [1, 1], padsHigh: [1, 1], dilations: [1, 1],
      groups: 1)
    builder.location = Location(node: "bn")
    let normalised = try builder.batchNormalization(
      convolved, scale: weights("bn.weight", [4]), bias: weights("bn.bias", [4]), mean: weights("bn.mean", [4]),
      variance: weights("bn.variance", [4], in: 0.2...2), epsilon: 1e-5)
    builder.location = Location(node: "relu")
    let features = try builder.elementwise(.relu, normalised)
    builder.location = Location(node: "pool")
    let pooled = try builder.reshape(try builder.mean(features, axes: [2, 3], keepAxes: true), [1, 4])
    builder.location = Location(node: "linear")
    let logits = try builder.add(
      try builder.append(MatrixProduct(transposeRight: true), [pooled, weights("linear.weight", [5, 4])]),
      weights("linear.bias", [5]))
    builder.location = Location(node: "loss")
    let logarithms = try builder.logSoftmax(logits, axes: [1])
    let target = builder.input("target", TensorType(.int64, [1, 1]))
    let loss = try builder.elementwise(.negate, try builder.append(Take(batchRank: 1), [logarithms, target]))
    return builder.finish(name: "network", outputs: [("logits", logits), ("loss", loss)])
  }

  private let inputs: [HostTensor] = {
    var generator = SeededGenerator(seed: 92)
    return [generator.tensor([1, 3, 6, 6]), HostTensor([1, 1], [Int64(2)])]
  }()

  @Test func theStagesOfANetworkAreTheRecordedOnes() throws {
    let imported = try network()
    let prepared = try Pipeline.prepare(imported)
    let gradient = try prepared.gradient(of: "loss", withRespectTo: ["x"])
    let simplified = try Pipeline.simplify(gradient)
    let product = try Pipeline.simplify(prepared.hessianVectorProduct(of: "loss", withRespectTo: "x"))
    try expectSameValues(
      simplified, try imported.gradient(of: "loss", withRespectTo: ["x"]), inputs, tolerance: 1e-13)
    for (name, graph) in [
      ("00-imported", imported), ("10-prepared", prepared), ("20-gradient", gradient), ("30-simplified", simplified),
      ("40-hessianVectorProduct", product),
    ] { #expect(throws: Never.self) { try Golden.check(graph.text(), "network/\(name)") } }
  }

  @Test func theObserverSeesEveryPassInItsOrder() throws {
    var seen: [String] = []
    let prepared = try Pipeline.prepare(try network()) { name, graph in
      seen.append(name)
      #expect(throws: Never.self) { try graph.verify() }
    }
    #expect(seen == Pipeline.preparation.map { $0.name })
    seen = []
    _ = try Pipeline.simplify(prepared) { name, _ in seen.append(name) }
    #expect(seen == Pipeline.simplification.map { $0.name })
    #expect(seen.first == "EraseSurrogates" && seen.last == "RemoveDeadNodes")
  }

  @Test func aPassIsCalledWhatItsFileIsCalled() {
    #expect(FoldConstants.name == "FoldConstants")
    #expect(FoldBatchNorm.name == "FoldBatchNorm")
    #expect(Simplify.name == "Simplify")
    #expect(ShareSubexpressions.name == "ShareSubexpressions")
    #expect(RemoveDeadNodes.name == "RemoveDeadNodes")
    #expect(EraseSurrogates.name == "EraseSurrogates")
  }

  @Test func preparingTwiceGivesTheSameGraph() throws {
    let once = try Pipeline.prepare(try network())
    #expect(try Pipeline.prepare(once) == once)
    let simplified = try Pipeline.simplify(once)
    #expect(try Pipeline.simplify(simplified) == simplified)
  }
}
