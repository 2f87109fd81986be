import IR
import Interpreters
import ONNX
import Testing

/// Real classifiers at 224 x 224 under the paper's smoothed derivative h, against PyTorch, on pixels from 0 to 1.
///
/// A photo rounded otherwise in its last place already moves these derivatives by percents in f64, wherever a kink lies next
/// to it, and so does the order of sums: PyTorch's distance with its own convolutions in place of oneDNN's is printed beside,
/// which for EfficientNet-Lite0's step is three times as large. Needs an optimised build, and then five minutes on two cores, most of them for the
/// evaluator: up to a minute for each graph.
@Suite(
  .enabled(if: LargePeers.folder != nil, "ADJOINT_PEERS names no folder made by tools/references/full.py"), .serialized)
struct LargeSmoothedPeersTests {
  static let models = ["efficientnet-lite0", "open-nsfw", "resnet50-legacy", "densenet169-legacy"]

  private let peers = LargePeers()

  private func classifier(_ model: String) throws -> Interpreters.Classifier {
    let preprocessing =
      model == "open-nsfw"
      ? Preprocessing(range: [0, 255], mean: [104, 117, 123], channelOrder: .bgr, layout: .nhwc)
      : Preprocessing(mean: [0.498], std: [0.502])
    let graph = try importONNX(path: "\(peers.folder)/\(model).onnx", options: ImportOptions(batch: 1)).graph
    return try Interpreters.Classifier(graph, preprocessing: preprocessing)
  }

  private func check(_ model: String, _ output: String, _ found: LargePeers.Distances) {
    print(
      "\(model), h, \(output): graph in f64 \(found.evaluated), compiled \(found.compiled), PyTorch f32 \(found.own), "
        + "with its own convolutions \(found.native)")
    #expect(found.evaluated <= 1e-9, "\(output)")
    // A loss is one number, whose distance in f32 is the luck of a few roundings.
    guard !["crossEntropy", "mapLoss"].contains(output) else { return }
    if model == "efficientnet-lite0", ["gradient", "mapLossGradient"].contains(output) {
      withKnownIssue("1.7 times oneDNN's distance, on a photo where PyTorch's own convolutions are as far away") {
        #expect(found.compiled <= 1.5 * found.own, "\(output)")
      }
    } else {
      #expect(found.compiled <= 1.5 * found.own, "\(output)")
    }
  }

  @Test(
    "A step against GRAD: the graph within 1e-9 of PyTorch f64, compiled within 1.5 times PyTorch f32's distance",
    arguments: models)
  func step(model: String) throws {
    let graph = try gradientMapStepGraph(try classifier(model))
    let distances = try peers.distances(of: graph, from: try peers.smoothedReferences(model)) { try $0.stepInputs }
    for output in graph.outputs { check(model, output.name, try #require(distances[output.name])) }
  }

  @Test(
    "Hessian-vector products: the graph within 1e-9 of PyTorch f64, compiled within 1.5 times PyTorch f32's distance",
    arguments: models)
  func product(model: String) throws {
    let graph = try smoothedProductGraph(try classifier(model))
    let distances = try peers.distances(of: graph, from: try peers.smoothedReferences(model)) { reference in
      ["x": try reference.input("x"), "target": try reference.input("target"), "v": try reference.input("v")]
    }
    check(model, "hvp", try #require(distances["hvp"]))
  }
}
