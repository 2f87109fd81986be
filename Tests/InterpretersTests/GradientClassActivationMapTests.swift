import IR
import Interpreters
import Operators
import Passes
import SampleNetworks
import TensorTypes
import Testing

@Suite struct GradientClassActivationMapTests {
  /// The map of a class with the raw map it was made of, evaluated in f64.
  private func map(_ interpreter: any Interpreter, _ x: HostTensor, of chosen: Int, divisorFloor: (Double) -> Double) throws
    -> (normalised: [Double], raw: [Double])
  {
    let builder = GraphBuilder(continuing: interpreter.network)
    let batch = interpreter.mapShape[0]
    let classes = builder.constant(HostTensor([batch], [Int64](repeating: Int64(chosen), count: batch)))
    let map = try interpreter.appendMap(ofClasses: classes, to: builder)
    let outputs = try builder.finish(
      name: "map", outputs: [("map", map.normalised), ("low", map.low), ("extent", map.extent)]
    ).evaluate(["x": x])
    let normalised = try #require(outputs["map"]).doubles
    let low = try #require(outputs["low"]).doubles
    let extent = try #require(outputs["extent"]).doubles
    let size = normalised.count / batch
    let raw = normalised.indices.map { normalised[$0] * divisorFloor(extent[$0 / size]) + low[$0 / size] }
    return (normalised, raw)
  }

  /// w_k = W[c, k] / (h · w) there.
  @Test(arguments: PooledClassifier.allCases)
  func `on pooled features the map is the positive part of CAM over the number of places`(form: PooledClassifier) throws {
    let classifier = try Classifier(try form.graph(batch: 2))
    var random = Random(seed: 3)
    let x = random.tensor([2, 3, 12, 12], in: 0...1)
    var positive = 0
    for chosen in 0..<PooledClassifier.classCount {
      let plain = try map(try ClassActivationMap(classifier), x, of: chosen) { $0 + 1e-8 }.raw
      let raw = try map(try GradientClassActivationMap(classifier), x, of: chosen) { max($0, 1e-8) }.raw
      #expect(raw.count == plain.count)
      for (raw, plain) in zip(raw, plain) { #expect(abs(raw - max(plain, 0) / 36) < 1e-12) }
      positive += raw.count { $0 > 0 }
    }
    #expect(positive > 50)
  }

  @Test func `a map to which no place speaks for the class is zero everywhere`() throws {
    let builder = GraphBuilder()
    var random = Random(seed: 5)
    let image = builder.input("image", TensorType(.float32, [1, 3, 4, 4]))
    let features = try builder.elementwise(
      .relu,
      try builder.convolution(
        image, builder.constant(random.tensor([2, 3, 1, 1])), strides: [1, 1], padsLow: [0, 0], padsHigh: [0, 0],
        dilations: [1, 1], groups: 1))
    let weights = builder.constant(HostTensor([2, 2], [-1, 1, -2, 0.5] as [Float]))
    let scores = try builder.matrixMultiply(try builder.mean(features, axes: [2, 3]), weights)
    let interpreter = try GradientClassActivationMap(
      try Classifier(builder.finish(name: "negative", outputs: [("scores", scores)])))
    let x = random.tensor([1, 3, 4, 4], in: 0...1)
    let blank = try map(interpreter, x, of: 0) { $0 }
    #expect(blank.normalised.allSatisfy { $0 == 0 } && blank.raw.allSatisfy { $0 == 0 })
    #expect(try map(interpreter, x, of: 1) { $0 }.normalised.max() == 1)
  }

  @Test func `a layer is chosen by node or by size`() throws {
    let classifier = try Classifier(try PooledClassifier.generalProduct.graph(batch: 2))
    let stem = try GradientClassActivationMap(classifier, layer: .node("stem"))
    #expect(stem.featureShape == [2, 4, 6, 6] && stem.featureNode == "stem" && stem.featureOperation == "relu")
    let last = try GradientClassActivationMap(classifier, layer: .size(height: 6, width: 6))
    #expect(last.featureShape == [2, 6, 6, 6] && last.featureNode == "last")
    #expect(try GradientClassActivationMap(classifier).featureNode == "last")
  }

  /// Of a network without pooled features.
  @Test func `the last feature map is taken where nothing is pooled`() throws {
    let builder = GraphBuilder()
    var random = Random(seed: 6)
    let image = builder.input("image", TensorType(.float32, [1, 3, 4, 4]))
    builder.location = Location(node: "conv")
    let features = try builder.convolution(
      image, builder.constant(random.tensor([2, 3, 3, 3])), strides: [2, 2], padsLow: [1, 1], padsHigh: [1, 1],
      dilations: [1, 1], groups: 1)
    builder.location = Location(node: "fc")
    let scores = try builder.matrixMultiply(
      try builder.reshape(features, [1, 8]), builder.constant(random.tensor([8, 3])))
    let classifier = try Classifier(builder.finish(name: "flat", outputs: [("scores", scores)]))
    let interpreter = try GradientClassActivationMap(classifier)
    #expect(interpreter.featureNode == "conv" && interpreter.mapShape == [1, 2, 2])
  }

  @Test(arguments: [
    (FeatureLayer.size(height: 7, width: 7), "a feature map of 7x7: those of 6x6 are there"),
    (.node("nowhere"), "a node 'nowhere': a node ahead of the scores is expected, such as 'last'"),
    (
      .node("classify"),
      "a feature map of node 'classify': its result is f32[2,5], where [B, K, h, w] behind a convolution is expected"
    ),
  ])
  func `a layer that is no feature map is refused in words that name what is there`(layer: FeatureLayer, words: String)
    throws
  {
    let classifier = try Classifier(try PooledClassifier.generalProduct.graph(batch: 2))
    let error = #expect(throws: InterpreterError.self) {
      _ = try GradientClassActivationMap(classifier, layer: layer)
    }
    #expect(error?.description == "the model lacks \(words)")
  }

  @Test func `a model without convolutions has no feature map`() throws {
    let builder = GraphBuilder()
    var random = Random(seed: 5)
    let x = builder.input("image", TensorType(.float32, [1, 3, 4, 4]))
    let scores = try builder.matrixMultiply(
      try builder.reshape(x, [1, 48]), builder.constant(random.tensor([48, 5])))
    let classifier = try Classifier(builder.finish(name: "mlp", outputs: [("scores", scores)]))
    #expect(throws: InterpreterError.self) { _ = try GradientClassActivationMap(classifier) }
  }
}
