import IR
import Interpreters
import Operators
import SampleNetworks
import TensorTypes
import Testing

@Suite struct ClassActivationMapTests {
  /// Σ_ij m_c / (h · w) + bias_c = z_c, with the bias found as what is missing at one image and tested at another.
  @Test(arguments: PooledClassifier.allCases)
  func `the mean of the raw map and the bias make the logit`(form: PooledClassifier) throws {
    let batch = 2
    let interpreter = try ClassActivationMap(try Classifier(try form.graph(batch: batch)))
    #expect(interpreter.mapShape == [2, 6, 6])
    var random = Random(seed: 3)
    let x = random.tensor([batch, 3, 12, 12], in: 0...1)
    for class_ in 0..<PooledClassifier.classCount {
      let (raw, logits) = try rawMap(interpreter, x, classes: [class_, class_])
      let means = (0..<batch).map { image in raw[image * 36..<(image + 1) * 36].reduce(0, +) / 36 }
      let biases = (0..<batch).map { logits[$0 * PooledClassifier.classCount + class_] - means[$0] }
      #expect(abs(biases[0] - biases[1]) < 1e-9, "class \(class_): \(biases)")
      #expect(abs(means[0] - means[1]) > 1e-4)
    }
  }

  @Test func `the normalised map spans zero to one and keeps the order of the raw map`() throws {
    let interpreter = try ClassActivationMap(try Classifier(try PooledClassifier.generalProduct.graph(batch: 1)))
    let builder = GraphBuilder(continuing: interpreter.network)
    let map = try interpreter.appendMap(ofClasses: builder.constant(HostTensor([1], [2] as [Int64])), to: builder)
    let graph = builder.finish(
      name: "map", outputs: [("map", map.normalised), ("low", map.low), ("extent", map.extent)])
    var random = Random(seed: 4)
    let outputs = try graph.evaluate(["x": random.tensor([1, 3, 12, 12], in: 0...1)])
    let values = try #require(outputs["map"]).doubles
    #expect(values.min() == 0)
    #expect(abs((values.max() ?? 0) - 1) < 1e-6)
    let extent = try #require(outputs["extent"]).doubles[0]
    #expect(extent > 0)
  }

  @Test func `a model without pooled features is refused in words that name what was found`() throws {
    let builder = GraphBuilder()
    var random = Random(seed: 5)
    builder.location = Location(node: "flat")
    let x = builder.input("image", TensorType(.float32, [1, 3, 4, 4]))
    let rectified = try builder.elementwise(.relu, try builder.reshape(x, [1, 48]))
    builder.location = Location(node: "fc")
    let scores = try builder.matrixMultiply(rectified, builder.constant(random.tensor([48, 5])))
    let classifier = try Classifier(builder.finish(name: "mlp", outputs: [("scores", scores)]))
    let error = #expect(throws: InterpreterError.self) { _ = try ClassActivationMap(classifier) }
    let words = error?.description ?? ""
    #expect(words.contains("relu (node flat)"))
    #expect(words.contains("no sum or mean over the places of a feature map"))
  }

  private func rawMap(_ interpreter: ClassActivationMap, _ x: HostTensor, classes: [Int]) throws
    -> (raw: [Double], logits: [Double])
  {
    let builder = GraphBuilder(continuing: interpreter.network)
    let values = builder.constant(HostTensor([classes.count], classes.map { Int64($0) }))
    let map = try interpreter.appendMap(ofClasses: values, to: builder)
    let low = try builder.reshape(map.low, [classes.count, 1, 1])
    let extent = try builder.reshape(map.extent, [classes.count, 1, 1])
    let raw = try builder.add(try builder.multiply(map.normalised, try builder.add(extent, 1e-8)), low)
    let logits = try #require(interpreter.network.output(named: "logits"))
    let outputs = try builder.finish(name: "raw", outputs: [("raw", raw), ("logits", logits)]).evaluate(["x": x])
    return (try #require(outputs["raw"]).doubles, try #require(outputs["logits"]).doubles)
  }
}
