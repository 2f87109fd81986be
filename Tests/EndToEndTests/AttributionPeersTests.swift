import Attacks
import Codegen
import Execution
import IR
import Interpreters
import NativeCompilation
import ONNX
import Passes
import Programs
import TensorTypes
import Testing

/// The interpreters' attributions, before they become maps, against values that captum computed in f64.
@Suite struct AttributionPeersTests {
  enum Attribution: String, CaseIterable, Sendable {
    case gradCAM, gradCAMOfFirst, gradientTimesInput, guidedBackpropagation, deepLIFT, relevance

    func interpreter(_ classifier: Interpreters.Classifier) throws -> any Interpreter {
      switch self {
      case .gradCAM: try GradientClassActivationMap(classifier, layer: .size(height: 8, width: 8))
      case .gradCAMOfFirst: try GradientClassActivationMap(classifier, layer: .node("/firstRelu/Relu"))
      case .gradientTimesInput: GradientTimesInput(classifier)
      case .guidedBackpropagation: GuidedBackpropagation(classifier)
      case .deepLIFT: DeepLIFT(classifier, baseline: 0.25)
      case .relevance: LayerwiseRelevance(classifier, stabiliser: 1e-13)
      }
    }
  }

  private let reference: PeerReference
  private let classifier: Interpreters.Classifier

  init() throws {
    let folder = packageRoot.appendingPathComponent("graphs/peers").path
    reference = try PeerReference(model: "\(folder)/attributed.onnx", arrays: "\(folder)/attributed.npz")
    classifier = try Interpreters.Classifier(
      importONNX(path: reference.model, options: ImportOptions(batch: 2)).graph)
  }

  /// x → the attributions to the recorded classes.
  private func graph(_ attribution: Attribution) throws -> Graph {
    var interpreter = try attribution.interpreter(classifier)
    interpreter.network = try Pipeline.prepare(interpreter.network)
    let builder = GraphBuilder(continuing: interpreter.network)
    let classes = builder.constant(try reference["target"], name: "classes")
    let value: Value
    if let ofPixels = interpreter as? any PixelInterpreter {
      value = try ofPixels.appendAttribution(through: interpreter.network.values, ofClasses: classes, to: builder)
    } else {
      let map = try interpreter.appendMap(ofClasses: classes, to: builder)
      let extent = try builder.reshape(map.extent, [interpreter.mapShape[0], 1, 1])
      let low = try builder.reshape(map.low, [interpreter.mapShape[0], 1, 1])
      value = try builder.add(try builder.multiply(map.normalised, extent), low)
    }
    return builder.finish(name: attribution.rawValue, outputs: [("attribution", value)])
  }

  @Test("Attributions evaluated in f64 agree with captum", arguments: Attribution.allCases)
  func evaluated(attribution: Attribution) throws {
    let result = try graph(attribution).evaluate(["x": try reference.input("x")])["attribution"]
    let distance = try reference.distance(try #require(result), from: attribution.rawValue)
    #expect(distance <= 1e-9)
  }

  /// Integrated gradients from their baseline, and SmoothGrad with the recorded noise: x → the attributions.
  @Test(
    "Averages of gradients over samples in f64 agree with captum and the definition", arguments: ["integrated", "smooth"])
  func sampled(name: String) throws {
    var interpreter = SampledGradient(classifier, name == "smooth" ? .smooth : .integrated(baseline: 0.25))
    interpreter.network = try Pipeline.prepare(interpreter.network)
    let x = try reference.input("x")
    let samples: GradientSamples
    if name == "smooth" {
      samples = GradientSamples(try reference.slices("noise").map { (1, $0) })
    } else {
      samples = .between(baseline: 0.25, count: 50, imageShape: x.shape)
    }
    // The graph `map` with its attributions for an output.
    let map = try SampledPrograms.map(interpreter)
    let builder = GraphBuilder(continuing: map)
    let total = try #require(map.input(named: "total"))
    let attribution = try interpreter.appendAttribution(total, x: map.inputs[0], to: builder)
    let sum = try #require(map.output(named: "sum"))
    let graph = builder.finish(name: "map", outputs: [("attribution", attribution), ("sum", sum)])
    let runner = SampledRunner(ReferenceRunner([try SampledPrograms.sample(interpreter), graph]), samples)
    let outputs = try runner.run("map", ["x": x, "class": try reference["target"]])
    #expect(try reference.distance(try #require(outputs["attribution"]), from: name) <= 1e-9)
  }

  @Test("Compiled attributions agree as far as f32 goes", arguments: Attribution.allCases)
  func compiled(attribution: Attribution) throws {
    let graph = try Pipeline.simplify(try graph(attribution))
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    let executable = try Executable(try compiler.compile([graph]), threads: 2)
    let result = try executable.run(graph.name, ["x": try reference.input("x")])["attribution"]
    let distance = try reference.distance(try #require(result), from: attribution.rawValue)
    #expect(distance <= 1e-3)
  }
}
