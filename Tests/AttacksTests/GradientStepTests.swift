import Attacks
import Autodiff
import IR
import Interpreters
import Operators
import Passes
import SampleNetworks
import TensorTypes
import TestSupport
import Testing

/// The step of ADV² against GRAD: the derivative of a loss of a derivative, through two networks that share their values.
@Suite struct GradientStepTests {
  private func interpreter(_ model: Graph, derivative: KinkDerivative = .smoothed) throws -> GradientMap {
    var interpreter = GradientMap(try Classifier(model), derivative: derivative)
    interpreter.network = try Pipeline.prepare(interpreter.network)
    return interpreter
  }

  private let objective = AttackSchedule(interpreter: "grad").objective

  /// Of a step on a general product.
  private func inputs(coefficient: Double) -> [String: HostTensor] {
    var random = Random(seed: 8)
    let x = random.tensor([1, 3, 12, 12], in: 0.2...0.8)
    return [
      "x": x, "origin": x, "target": HostTensor([1], [3] as [Int64]), "alpha": .scalar(1e-3), "eps": .scalar(0.5),
      "mapTarget": random.tensor([1, 12, 12], in: 0...1), "coefficient": .scalar(coefficient),
      "labelProbability": HostTensor([1], [0.97] as [Float]),
    ]
  }

  private func convolutionCount(_ graph: Graph) -> Int { graph.nodes.count { $0.operation is Convolution } }

  /// Also on the ReLUs that follow residual sums, and on nothing else.
  @Test(arguments: [(DeepNetwork.resNet50, 49), (.denseNet169, 169)])
  func `every ReLU of a network has the derivative of its copy`(network: DeepNetwork, activations: Int) throws {
    let prepared = try interpreter(try network.graph()).network
    let substituted = try SubstituteDerivatives(all: .smoothed).run(prepared)
    let declared = substituted.nodes.compactMap { $0.operation as? Elementwise }.filter(\.isSurrogate)
    #expect(declared.count == activations && declared.allSatisfy { $0.function == .relu && $0.declared == .smoothed })
    #expect(
      !substituted.nodes.contains { ($0.operation as? Elementwise).map { $0.function == .relu && !$0.isSurrogate } == true })
    #expect(substituted.nodes.count { $0.operation is WindowIndexOfMaximum } == 1)
  }

  /// One sweep forward, one back for the cross entropy, one back for the map, and two of second order. The sweep that ends
  /// both derivatives adds them ahead of the stem.
  @Test(arguments: [(DeepNetwork.resNet50, 53, 264), (.denseNet169, 168, 839)])
  func `the step with two copies of a network takes five sweeps of its convolutions`(
    network: DeepNetwork, convolutions: Int, expected: Int
  ) throws {
    let interpreter = try interpreter(try network.graph())
    #expect(convolutionCount(interpreter.network) == convolutions)
    let step = try Pipeline.simplify(try AttackPrograms.step(interpreter, objective))
    #expect(convolutionCount(step) == expected)
    #expect(expected == 5 * convolutions - 1)
    #expect(step.isClosed)
  }

  @Test(arguments: [(DeepNetwork.resNet50, 212), (.denseNet169, 672)])
  func `with one copy it takes four`(network: DeepNetwork, expected: Int) throws {
    let interpreter = try interpreter(try network.graph()).withOneCopy()
    let step = try Pipeline.simplify(try AttackPrograms.step(interpreter, objective))
    #expect(convolutionCount(step) == expected)
    #expect(step.isClosed)
  }

  /// Each ReLU of the network is computed once, whatever derivatives are taken of it.
  @Test(arguments: [KinkDerivative.plain, .smoothed, .sigmoid, .softplus(sharpness: 10), .guided])
  func `both copies share their values whatever the derivative`(derivative: KinkDerivative) throws {
    let interpreter = try interpreter(try PooledClassifier.generalProduct.graph(batch: 1), derivative: derivative)
    let step = try Pipeline.simplify(try AttackPrograms.step(interpreter, objective))
    #expect(!step.nodes.contains { ($0.operation as? Elementwise)?.isSurrogate == true })
    let activations = step.nodes.count { node in
      (node.operation as? Elementwise)?.function == .relu && node.location.derivation == nil
    }
    #expect(activations == 2)
    let forward = step.nodes.count { ($0.operation as? Convolution)?.solving == .output && $0.location.derivation == nil }
    #expect(forward == 2)
  }

  @Test func `one copy has the losses of two, and another gradient`() throws {
    let two = try interpreter(try PooledClassifier.generalProduct.graph(batch: 1))
    let inputs = inputs(coefficient: 0.05)
    let results = try [two, two.withOneCopy()].map { try AttackPrograms.step($0, objective).evaluate(inputs) }
    for loss in ["crossEntropy", "mapLoss"] {
      #expect(try #require(results[0][loss]) == #require(results[1][loss]), "\(loss)")
    }
    #expect(try #require(results[0]["next"]) != #require(results[1]["next"]))
  }

  @Test func `the step on a small network is the recorded one`() throws {
    let interpreter = try interpreter(try PooledClassifier.generalProduct.graph(batch: 1))
    let step = try Pipeline.simplify(try AttackPrograms.step(interpreter, objective))
    #expect(throws: Never.self) { try Golden.check(step.text(), "grad/step") }
  }
}
