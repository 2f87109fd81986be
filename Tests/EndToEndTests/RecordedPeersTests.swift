import Codegen
import Execution
import Foundation
import IR
import NativeCompilation
import ONNX
import Programs
import TensorTypes
import Testing

/// First and second derivatives of small networks, from both PyTorch exporters, against recorded PyTorch values.
@Suite struct RecordedPeersTests {
  static let names = ["residual", "dense", "mobile", "smooth"].flatMap { ["\($0)-legacy", "\($0)-dynamo"] }

  private func reference(_ name: String) throws -> PeerReference {
    let folder = packageRoot.appendingPathComponent("graphs/peers").path
    return try PeerReference(model: "\(folder)/\(name).onnx", arrays: "\(folder)/\(name).npz")
  }

  private func inputs(_ graph: Graph, _ reference: PeerReference) throws -> [String: HostTensor] {
    [
      graph.name(ofInput: graph.inputs[0]): try reference.input("x"), "target": try reference.input("target"),
      "v": try reference.input("v"),
    ]
  }

  private func graph(_ reference: PeerReference) throws -> Graph {
    let batch = try reference["x"].shape[0]
    return try secondOrderGraph(importONNX(path: reference.model, options: ImportOptions(batch: batch)).graph)
  }

  @Test("The graph evaluated in f64 agrees with PyTorch f64 to 1e-9", arguments: names)
  func evaluatedDerivatives(name: String) throws {
    let reference = try reference(name)
    let graph = try graph(reference)
    let results: [String: HostTensor] = try graph.evaluate(inputs(graph, reference))
    for output in ["logits", "gradient", "hvp"] {
      #expect(try reference.distance(try #require(results[output]), from: output) <= 1e-9, "\(output)")
    }
  }

  /// One network's ratio is a matter of a few roundings, so the strict bound is on the mean over all of them.
  @Test("Compiled code is as close to PyTorch f64 as PyTorch f32 is: within 2 times each, 1.25 times on average")
  func compiledDerivatives() throws {
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    let outputs = ["logits", "gradient", "hvp"]
    var logarithms: [String: Double] = [:]
    for name in Self.names {
      let reference = try reference(name)
      let graph = try graph(reference)
      let executable = try Executable(try compiler.compile([graph]), threads: 2)
      let results = try executable.run(graph.name, inputs(graph, reference))
      for output in outputs {
        let (found, own) = try reference.roundingDistances(try #require(results[output]), from: output)
        #expect(found <= 2 * own, "\(name) \(output): \(found) against PyTorch's own \(own)")
        logarithms[output, default: 0] += log(found / own) / Double(Self.names.count)
      }
    }
    for output in outputs {
      let mean = exp(try #require(logarithms[output]))
      #expect(mean <= 1.25, "\(output)")
    }
  }
}
