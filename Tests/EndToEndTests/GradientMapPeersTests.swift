import Codegen
import Execution
import Foundation
import IR
import Interpreters
import NativeCompilation
import ONNX
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

  private func graph(_ reference: PeerReference) throws -> Graph {
    try gradientMapStepGraph(
      try Interpreters.Classifier(importONNX(path: reference.model, options: ImportOptions(batch: 2)).graph))
  }

  @Test("Map, losses and gradients evaluated in f64 agree with PyTorch f64 to 1e-9", arguments: names)
  func evaluated(name: String) throws {
    let reference = try reference(name)
    let results: [String: HostTensor] = try graph(reference).evaluate(reference.stepInputs)
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
    let results = try Executable(try compiler.compile([graph]), threads: 2).run(graph.name, reference.stepInputs)
    let bounds = [
      ("map", 1e-4), ("crossEntropy", 1e-5), ("mapLoss", 1e-3), ("gradient", 2e-2), ("mapLossGradient", 2e-2),
    ]
    for (output, bound) in bounds {
      let distance = try reference.distance(try #require(results[output]), from: output)
      #expect(distance <= bound, "\(output)")
    }
  }
}
