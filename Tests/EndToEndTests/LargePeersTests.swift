import Arrays
import Codegen
import Execution
import Foundation
import IR
import NativeCompilation
import ONNX
import Programs
import TensorTypes
import Testing

/// The folder that tools/references/full.py fills, named by ADJOINT_PEERS; the tests below are skipped without it.
private let peersFolder: String? = ProcessInfo.processInfo.environment["ADJOINT_PEERS"]

/// Real classifiers at 224 x 224 against ONNX Runtime and PyTorch. Takes minutes, and needs an optimised build.
@Suite(.enabled(if: peersFolder != nil, "ADJOINT_PEERS names no folder made by tools/references/full.py"), .serialized)
struct LargePeersTests {
  static let models = [
    "efficientnet-lite0", "open-nsfw", "resnet50-legacy", "resnet50-dynamo", "densenet169-legacy", "densenet169-dynamo",
  ]

  private let folder = peersFolder ?? ""

  private func references(_ model: String) throws -> [PeerReference] {
    try ["", "-1", "-2", "-3"].map {
      try PeerReference(model: "\(folder)/\(model).onnx", arrays: "\(folder)/\(model)\($0).npz")
    }
  }

  private func executable(_ graph: Graph) throws -> Executable {
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    return try Executable(try compiler.compile([graph]), threads: 2)
  }

  @Test("Predictions equal ONNX Runtime's", arguments: models)
  func predictions(model: String) throws {
    let references = try references(model)
    let graph = try importONNX(path: references[0].model, options: ImportOptions(batch: 1)).graph
    let executable = try executable(graph)
    for reference in references {
      let results = try executable.run(graph.name, [graph.name(ofInput: graph.inputs[0]): try reference.input("x")])
      let distance = try reference.distance(try #require(results[graph.outputs[0].name]), from: "output")
      print("\(model): predictions differ from ONNX Runtime's by \(distance)")
      #expect(distance <= 1e-4)
    }
  }

  /// One photo's f32 distance is a matter of which kinks its sign flips hit, so the largest of four photos is compared.
  @Test(
    "First and second derivatives: the graph within 1e-9 of PyTorch f64, compiled within 1.5 times PyTorch f32's distance",
    arguments: models)
  func derivatives(model: String) throws {
    let references = try references(model)
    let imported = try importONNX(path: references[0].model, options: ImportOptions(batch: 1)).graph
    let graph = try secondOrderGraph(imported)
    let executable = try executable(graph)
    for output in ["gradient", "hvp"] {
      var evaluated = 0.0
      var compiled = 0.0
      var own = 0.0
      for (number, reference) in references.enumerated() {
        let inputs = [
          graph.name(ofInput: graph.inputs[0]): try reference.input("x"), "target": try reference.input("target"),
          "v": try reference.input("v"),
        ]
        // The evaluator takes minutes for all four photos; the graph is the same.
        if number == 0 {
          let results: [String: HostTensor] = try graph.evaluate(inputs)
          evaluated = try reference.distance(try #require(results[output]), from: output)
        }
        let results = try executable.run(graph.name, inputs)
        compiled = max(compiled, try reference.distance(try #require(results[output]), from: output))
        own = max(own, try reference.distance(try reference["\(output)32"], from: output))
      }
      print("\(model) \(output): graph in f64 \(evaluated), compiled \(compiled), PyTorch f32 \(own)")
      #expect(evaluated <= 1e-9)
      #expect(compiled <= 1.5 * own)
    }
  }

  @Test("EfficientNet-Lite0 classifies as many of 200 photos correctly as ONNX Runtime does, to one photo")
  func accuracy() throws {
    let arrays = Dictionary(
      try NPZ.read(path: "\(folder)/efficientnet-lite0-photos.npz").map { ($0.name, $0.tensor) }
    ) { first, _ in first }
    let x = try #require(arrays["x"])
    let classes = try #require(arrays["class"]).integers
    let theirs = try #require(arrays["logits"])
    let batch = 8
    let graph = try importONNX(path: "\(folder)/efficientnet-lite0.onnx", options: ImportOptions(batch: batch)).graph
    let executable = try executable(graph)
    let pixels = x.floats
    let size = pixels.count / classes.count
    var ours = 0
    var peers = 0
    for first in stride(from: 0, to: classes.count, by: batch) {
      let input = HostTensor(Shape([batch] + x.shape.extents[1...]), Array(pixels[first * size..<(first + batch) * size]))
      let results = try executable.run(graph.name, [graph.name(ofInput: graph.inputs[0]): input])
      let logits = try #require(results[graph.outputs[0].name]).floats
      for image in 0..<batch {
        if largest(logits[image * 1000..<(image + 1) * 1000]) == Int(classes[first + image]) { ours += 1 }
      }
    }
    let logits = theirs.floats
    for (image, label) in classes.enumerated() where largest(logits[image * 1000..<(image + 1) * 1000]) == Int(label) {
      peers += 1
    }
    print("top-1 of \(classes.count) photos: \(ours), ONNX Runtime \(peers)")
    #expect(abs(ours - peers) <= 1)
  }

  private func largest(_ scores: ArraySlice<Float>) -> Int {
    (scores.indices.max { scores[$0] < scores[$1] } ?? scores.startIndex) - scores.startIndex
  }
}
