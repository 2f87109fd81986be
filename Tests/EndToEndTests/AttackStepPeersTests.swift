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

/// The first step of attacks, against values that PyTorch computed in f64; `GradientMapPeersTests`,
/// `AttributionStepPeersTests`, `FlowPeersTests` and `MaskPeersTests` have those against GRAD, against other attributions to
/// pixels, of flows and against MASK.
@Suite struct AttackStepPeersTests {
  enum Step: String, CaseIterable, Sendable {
    case pgd
    case pgdInTheBall = "pgd.l2"
    case cam, evading, gradCAM

    func graph(_ classifier: Interpreters.Classifier, layer: String) throws -> Graph {
      switch self {
      case .pgd: return try AttackPrograms.pgdStep(of: try Pipeline.prepare(classifier.graph))
      case .pgdInTheBall: return try AttackPrograms.pgdStep(of: try Pipeline.prepare(classifier.graph), .l2)
      case .cam, .evading:
        var cam = try ClassActivationMap(classifier)
        cam.network = try Pipeline.prepare(cam.network)
        return try AttackPrograms.step(cam, StepObjective(evaded: self == .evading ? [.bits(3), .median(3)] : []))
      case .gradCAM:
        var gradCAM = try GradientClassActivationMap(classifier, layer: .node(layer))
        gradCAM.network = try Pipeline.prepare(gradCAM.network)
        return try AttackPrograms.step(gradCAM)
      }
    }
  }

  /// Networks with the node of a feature map for Grad-CAM.
  static let networks = [
    "residual": "/blocks/blocks.0/Relu_1", "dense": "/second/second.0/Concat",
    "mobile": "/blocks/blocks.1/project/project.1/BatchNormalization",
  ]

  private func reference(_ network: String, _ step: Step) throws -> (
    reference: PeerReference, graph: Graph, inputs: [String: HostTensor]
  ) {
    let folder = packageRoot.appendingPathComponent("graphs/peers").path
    let reference = try PeerReference(model: "\(folder)/\(network)-legacy.onnx", arrays: "\(folder)/\(network)-steps.npz")
    let classifier = try Interpreters.Classifier(
      importONNX(path: reference.model, options: ImportOptions(batch: 2)).graph)
    let graph = try step.graph(classifier, layer: try #require(Self.networks[network]))
    func scalar(_ value: Double) -> HostTensor { HostTensor(TensorType(.float32, .scalar), .double([value])) }
    var inputs = ["x": try reference.input("x"), "origin": try reference.input("origin"), "target": try reference["target"]]
    let isBall = step == .pgdInTheBall
    (inputs["alpha"], inputs["eps"]) = (scalar(isBall ? 0.4 : 0.01), scalar(isBall ? 0.5 : 0.03))
    if let aim = reference.optional((step == .evading ? Step.cam : step).rawValue + ".mapTarget") {
      inputs["mapTarget"] = HostTensor(TensorType(.float32, aim.shape), .double(aim.doubles))
      inputs["coefficient"] = scalar(3)
    }
    if step == .evading { inputs["evasionWeight"] = scalar(0.5) }
    return (reference, graph, inputs)
  }

  @Test("Steps and losses evaluated in f64 are PyTorch's to 1e-9", arguments: networks.keys.sorted(), Step.allCases)
  func evaluated(network: String, step: Step) throws {
    let (reference, graph, inputs) = try reference(network, step)
    let results = try graph.evaluate(inputs)
    #expect(results.count == (step == .evading ? 4 : step == .cam || step == .gradCAM ? 3 : 2))
    for (name, value) in results {
      #expect(try reference.distance(value, from: "\(step.rawValue).\(name)") <= 1e-9, "\(name)")
    }
  }

  @Test("Compiled steps go the same way, but for gradients next to 0", arguments: networks.keys.sorted(), Step.allCases)
  func compiled(network: String, step: Step) throws {
    let (reference, graph, inputs) = try reference(network, step)
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    let results = try Executable(try compiler.compile([graph]), threads: 2).run(graph.name, inputs)
    let expected = try reference["\(step.rawValue).next"].doubles
    let next = try #require(results["next"]).doubles
    let same = zip(next, expected).count { abs($0 - $1) < 1e-5 }
    #expect(Double(same) >= 0.995 * Double(expected.count), "\(same) of \(expected.count)")
    for name in results.keys where name != "next" {
      let distance = try reference.distance(try #require(results[name]), from: "\(step.rawValue).\(name)")
      #expect(distance <= 1e-4, "\(name)")
    }
  }
}
