import Attacks
import Codegen
import Execution
import Foundation
import IR
import Interpreters
import NativeCompilation
import ONNX
import Passes
import Programs
import TensorTypes
import Testing

/// The first step of ADV² against interpreters that attribute to pixels, and their maps, against values that PyTorch computed
/// in f64. The step under L2 tells the whole gradient, the other one its signs.
@Suite struct AttributionStepPeersTests {
  enum Attribution: String, CaseIterable, Sendable {
    case gradientTimesInput = "gradient-input"
    case guidedBackpropagation = "guided-backprop"
    case deepLIFT = "deeplift"
    case relevance = "lrp"
    case integrated = "ig"
    case smooth = "smoothgrad"
  }

  /// How far an image moves, and in which norm.
  enum Ball: String, CaseIterable, Sendable {
    case linf = "next"
    case l2 = "next.l2"

    var norm: ThreatModel.Norm { self == .linf ? .linf : .l2 }
    var alpha: Double { self == .linf ? 0.01 : 0.4 }
    var eps: Double { self == .linf ? 0.03 : 0.5 }
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let network: String
    let attribution: Attribution
    var testDescription: String { "\(network) \(attribution.rawValue)" }
  }

  /// Relevance has no rule for the gates of the mobile network.
  static let cases = ["residual", "dense", "mobile", "clipped"].flatMap { network in
    Attribution.allCases.map { Case(network: network, attribution: $0) }
  }.filter { $0.network != "mobile" || $0.attribution != .relevance }

  private static let baseline: Baseline = 0.25

  private func reference(_ network: String) throws -> PeerReference {
    let folder = packageRoot.appendingPathComponent("graphs/peers").path
    return try PeerReference(
      model: "\(folder)/\(network)-legacy.onnx", arrays: "\(folder)/\(network)-attributions.npz")
  }

  /// Runs the graphs `map` and `step` of an interpreter.
  private func runner(
    _ attribution: Attribution, _ reference: PeerReference, _ norm: ThreatModel.Norm,
    making makeRunner: ([Graph]) throws -> any GraphRunner
  ) throws -> any GraphRunner {
    let classifier = try Interpreters.Classifier(
      importONNX(path: reference.model, options: ImportOptions(batch: 2)).graph)
    let objective = StepObjective(norm: norm)
    func whole(_ interpreter: some PixelInterpreter) throws -> any GraphRunner {
      var interpreter = interpreter
      interpreter.network = try Pipeline.prepare(interpreter.network)
      return try makeRunner([try AttackPrograms.map(interpreter), try AttackPrograms.step(interpreter, objective)])
    }
    func sampled(_ form: SampledGradient.Form, _ samples: GradientSamples) throws -> any GraphRunner {
      var interpreter = SampledGradient(classifier, form)
      interpreter.network = try Pipeline.prepare(interpreter.network)
      return SampledRunner(
        try makeRunner([
          try SampledPrograms.sample(interpreter), try SampledPrograms.map(interpreter),
          try SampledPrograms.stepSample(interpreter), try SampledPrograms.mapGradient(interpreter, objective),
          try SampledPrograms.samplePull(interpreter), try SampledPrograms.step(interpreter, objective),
        ]), samples)
    }
    return switch attribution {
    case .gradientTimesInput: try whole(GradientTimesInput(classifier))
    case .guidedBackpropagation: try whole(GuidedBackpropagation(classifier))
    case .deepLIFT: try whole(DeepLIFT(classifier, baseline: Self.baseline))
    case .relevance: try whole(LayerwiseRelevance(classifier, stabiliser: 1e-4))
    case .integrated:
      try sampled(
        .integrated(baseline: Self.baseline),
        .between(baseline: Self.baseline, count: 4, imageShape: classifier.imageShape))
    case .smooth: try sampled(.smooth, GradientSamples(try reference.slices("noise").map { (1, $0) }))
    }
  }

  private func stepInputs(_ attribution: Attribution, _ reference: PeerReference, _ ball: Ball) throws
    -> [String: HostTensor]
  {
    let aim = try reference["\(attribution.rawValue).mapTarget"]
    return [
      "x": try reference.input("x"), "origin": try reference.input("origin"), "target": try reference["target"],
      "mapTarget": HostTensor(TensorType(.float32, aim.shape), .double(aim.doubles)), "coefficient": .scalar(30),
      "alpha": .scalar(ball.alpha), "eps": .scalar(ball.eps),
    ]
  }

  private func map(_ runner: any GraphRunner, _ reference: PeerReference) throws -> HostTensor {
    let inputs = ["x": try reference.input("x"), "class": try reference["class"]]
    return try #require(try runner.run("map", inputs)["map"])
  }

  @Test("Maps, steps and losses evaluated in f64 are PyTorch's to 1e-9", arguments: cases, Ball.allCases)
  func evaluated(example: Case, ball: Ball) throws {
    let (name, reference) = (example.attribution.rawValue, try reference(example.network))
    let runner = try runner(example.attribution, reference, ball.norm) { ReferenceRunner($0) }
    #expect(try reference.distance(map(runner, reference), from: "\(name).mapTarget") <= 1e-9)
    let results = try runner.run("step", stepInputs(example.attribution, reference, ball))
    #expect(results.keys.sorted() == ["crossEntropy", "mapLoss", "next"])
    for (output, key) in [("next", ball.rawValue), ("crossEntropy", "crossEntropy"), ("mapLoss", "mapLoss")] {
      let distance = try reference.distance(try #require(results[output]), from: "\(name).\(key)")
      #expect(distance <= 1e-9, "\(output)")
    }
  }

  @Test("Compiled maps and losses agree as far as f32 goes, and steps go the same way", arguments: cases)
  func compiled(example: Case) throws {
    let (name, reference) = (example.attribution.rawValue, try reference(example.network))
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    let runner = try runner(example.attribution, reference, .linf) {
      ExecutableRunner(executable: try Executable(try compiler.compile($0), threads: 2))
    }
    #expect(try reference.distance(map(runner, reference), from: "\(name).mapTarget") <= 1e-4)
    let results = try runner.run("step", stepInputs(example.attribution, reference, .linf))
    let (next, expected) = (try #require(results["next"]).doubles, try reference["\(name).next"].doubles)
    let same = zip(next, expected).count { abs($0 - $1) < 1e-5 }
    #expect(Double(same) >= 0.995 * Double(expected.count), "\(same) of \(expected.count)")
    for loss in ["crossEntropy", "mapLoss"] {
      let distance = try reference.distance(try #require(results[loss]), from: "\(name).\(loss)")
      #expect(distance <= 1e-4, "\(loss)")
    }
  }
}

private struct ExecutableRunner: GraphRunner {
  let executable: Executable

  func run(_ graph: String, _ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
    try executable.run(graph, inputs)
  }
}
