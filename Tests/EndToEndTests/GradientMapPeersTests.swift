import Attacks
import Autodiff
import Codegen
import Execution
import Foundation
import IR
import Interpreters
import NativeCompilation
import ONNX
import Operators
import Passes
import Programs
import TensorTypes
import Testing

/// GRAD and one step of ADV² against it, against values that PyTorch computed in f64.
@Suite struct GradientMapPeersTests {
  static let names = ["residual", "mobile", "dense"]

  private func reference(_ name: String) throws -> PeerReference {
    let folder = packageRoot.appendingPathComponent("graphs/peers").path
    return try PeerReference(model: "\(folder)/\(name)-legacy.onnx", arrays: "\(folder)/\(name)-grad.npz")
  }

  /// The losses of a step with their gradients in place of its sign step, ready to run.
  private func graph(_ reference: PeerReference) throws -> Graph {
    let model = try importONNX(path: reference.model, options: ImportOptions(batch: 2)).graph
    var interpreter = GradientMap(try Interpreters.Classifier(model))
    interpreter.network = try Pipeline.prepare(interpreter.network)
    let builder = GraphBuilder(continuing: interpreter.network)
    let x = interpreter.network.inputs[0]
    let logits = try #require(interpreter.network.output(named: "logits"))
    let target = builder.input("target", TensorType(.int64, [2]))
    let mapTarget = builder.input("mapTarget", TensorType(.float32, interpreter.mapShape))
    let map = try interpreter.appendMap(ofClasses: target, to: builder)
    let crossEntropy = try builder.crossEntropy(
      logits, target: target, probability: try builder.broadcast(builder.scalar(0.97), to: [2]))
    let mapLoss = try builder.mapLoss(
      try interpreter.appendDifferentiableMap(ofClasses: target, to: builder).normalised, target: mapTarget, .sum)
    let one = try builder.broadcast(builder.scalar(1), to: [2])
    let weight = try builder.broadcast(builder.scalar(0.05), to: [2])
    let gradient = try builder.pullback([(crossEntropy, one), (mapLoss, weight)], to: [x])[0]
    let own = try builder.pullback([(mapLoss, one)], to: [x])[0]
    return try Pipeline.simplify(
      builder.finish(
        name: "step",
        outputs: [
          ("map", map.normalised), ("crossEntropy", crossEntropy), ("mapLoss", mapLoss), ("gradient", gradient),
          ("mapLossGradient", own),
        ]))
  }

  private func inputs(_ reference: PeerReference) throws -> [String: HostTensor] {
    // The evaluator takes the map of another class in f64, as PyTorch does.
    let aim = try reference["mapTarget"]
    return [
      "x": try reference.input("x"), "target": try reference.input("target"),
      "mapTarget": HostTensor(TensorType(.float32, aim.shape), .double(aim.doubles)),
    ]
  }

  @Test("Map, losses and gradients evaluated in f64 agree with PyTorch f64 to 1e-9", arguments: names)
  func evaluated(name: String) throws {
    let reference = try reference(name)
    let results: [String: HostTensor] = try graph(reference).evaluate(inputs(reference))
    for output in ["map", "crossEntropy", "mapLoss", "gradient", "mapLossGradient"] {
      let distance = try reference.distance(try #require(results[output]), from: output)
      #expect(distance <= 1e-9, "\(output)")
    }
  }

  @Test("Compiled code agrees as far as f32 goes", arguments: names)
  func compiled(name: String) throws {
    let reference = try reference(name)
    let graph = try graph(reference)
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    let results = try Executable(try compiler.compile([graph]), threads: 2).run(graph.name, inputs(reference))
    let bounds = [
      ("map", 1e-4), ("crossEntropy", 1e-5), ("mapLoss", 1e-3), ("gradient", 2e-2), ("mapLossGradient", 2e-2),
    ]
    for (output, bound) in bounds {
      let distance = try reference.distance(try #require(results[output]), from: output)
      #expect(distance <= bound, "\(output)")
    }
  }
}
