import Autodiff
import IR
import Interpreters
import Operators
import Passes
import SampleNetworks
import TensorTypes
import Testing

/// What attributions to pixels have in common with a gradient, and with the logits that they share out.
@Suite struct PixelInterpreterTests {
  private func attribution(_ interpreter: any PixelInterpreter, _ x: HostTensor, of classes: [Int]) throws -> [Double] {
    let builder = GraphBuilder(continuing: interpreter.network)
    let values = builder.constant(HostTensor([classes.count], classes.map { Int64($0) }))
    let attribution = try interpreter.appendAttribution(
      through: interpreter.network.values, ofClasses: values, to: builder)
    let graph = builder.finish(name: "attribution", outputs: [("attribution", attribution)])
    return try #require(try graph.evaluate(["x": x])["attribution"]).doubles
  }

  private func logits(_ interpreter: any PixelInterpreter, _ x: HostTensor) throws -> [Double] {
    try #require(try interpreter.network.evaluate(["x": x])["logits"]).doubles
  }

  private func difference(_ a: [Double], _ b: [Double]) -> Double {
    let scale = b.reduce(0) { max($0, abs($1)) }
    return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
  }

  /// Convolutions with ReLU, or another activation, to pooled features.
  private func network(
    bias: Double, activation: (GraphBuilder, Value) throws -> Value = { try $0.elementwise(.relu, $1) }
  ) throws -> Interpreters.Classifier {
    let builder = GraphBuilder()
    var random = Random(seed: 9)
    var x = builder.input("image", TensorType(.float32, [2, 3, 8, 8]))
    for (channels, stride) in [(6, 1), (8, 2), (8, 1)] {
      builder.location = Location(node: "layer\(channels)x\(stride)")
      let filter = builder.constant(random.tensor([channels, builder.shape(of: x)[1], 3, 3], in: -0.6...0.6))
      let y = try builder.convolution(
        x, filter, strides: [stride, stride], padsLow: [1, 1], padsHigh: [1, 1], dilations: [1, 1], groups: 1)
      let shift = builder.constant(random.tensor([channels], in: -bias...bias))
      x = try activation(builder, bias == 0 ? y : try builder.addChannelBias(y, shift))
    }
    let scores = try builder.matrixMultiply(
      try builder.mean(x, axes: [2, 3]), builder.constant(random.tensor([8, 4])))
    return try Classifier(builder.finish(name: "network", outputs: [("scores", scores)]))
  }

  private var image: HostTensor {
    var random = Random(seed: 12)
    return random.tensor([2, 3, 8, 8], in: 0...1)
  }

  @Test func `without biases LRP is gradient times input, and both share out the whole logit`() throws {
    let classifier = try network(bias: 0)
    let relevance = LayerwiseRelevance(classifier, stabiliser: 1e-12)
    let found = try attribution(relevance, image, of: [1, 2])
    let product = try attribution(GradientTimesInput(classifier), image, of: [1, 2])
    #expect(difference(found, product) < 1e-9)
    let logits = try logits(relevance, image)
    for (image, class_) in [1, 2].enumerated() {
      let sum = found[image * 192..<(image + 1) * 192].reduce(0, +)
      #expect(abs(sum - logits[image * 4 + class_]) < 1e-9 * max(1, abs(sum)))
    }
  }

  static let activations: [(String, @Sendable (GraphBuilder, Value) throws -> Value)] = [
    ("relu", { try $0.elementwise(.relu, $1) }), ("clip", { try $0.clip($1, -0.2, 0.4) }),
    ("leakyRelu", { try $0.leakyRelu($1, slope: $0.scalar(0.2, like: $1)) }),
    ("tanh", { try $0.elementwise(.hyperbolicTangent, $1) }), ("gelu", { try $0.gelu($1) }),
    ("swish", { try $0.multiply($1, try $0.elementwise(.sigmoid, $1)) }),
    (
      "maxPool",
      {
        let side = $0.shape(of: $1)[2]
        return try $0.maxPool(
          $1, Window(kernel: [2, 2], strides: [1, 1], pads: [1, 1], dilations: [1, 1], extents: [side + 1, side + 1]))
      }
    ),
  ]

  /// In f64, so that quotients of small differences are exact to more than that.
  @Test(arguments: activations.map(\.0), [0.5, Baseline([0.2, 0.5, 0.9])])
  func `DeepLIFT shares out the difference to the baseline`(name: String, baseline: Baseline) throws {
    let activation = try #require(Self.activations.first { $0.0 == name }?.1)
    let interpreter = DeepLIFT(try network(bias: 0.3, activation: activation), baseline: baseline)
    let found = try attribution(interpreter, image, of: [0, 3])
    let logits = try logits(interpreter, image)
    let pixels = baseline.pixels([3, 8, 8])
    #expect(Set(pixels) == Set(baseline.values) && pixels[64] == baseline.values[baseline.values.count / 2])
    let coloured = HostTensor(TensorType(.float32, image.shape), .double(pixels + pixels))
    let references = try self.logits(interpreter, coloured)
    for (image, class_) in [0, 3].enumerated() {
      let sum = found[image * 192..<(image + 1) * 192].reduce(0, +)
      let delta = logits[image * 4 + class_] - references[image * 4 + class_]
      #expect(abs(sum - delta) < 1e-5 && abs(delta) > 1e-4, "\(sum) of \(delta)")
    }
    #expect(difference(found, try attribution(GradientTimesInput(try network(bias: 0.3)), image, of: [0, 3])) > 1e-3)
  }

  @Test func `guided backpropagation is the gradient under the declared guided derivative`() throws {
    let classifier = try network(bias: 0.3)
    let found = try attribution(GuidedBackpropagation(classifier), image, of: [1, 3])
    let guided = try SubstituteDerivatives(all: .guided).run(classifier.graph)
    let builder = GraphBuilder(continuing: guided)
    let logits = try #require(guided.output(named: "logits"))
    let classes = builder.constant(HostTensor([2], [1, 3] as [Int64]))
    let score = try builder.append(Take(batchRank: 1), [logits, classes])
    let ones = builder.constant(HostTensor([2], [1, 1] as [Float]))
    let gradient = try builder.pullback([(score, ones)], to: [guided.inputs[0]])[0]
    let graph = builder.finish(name: "guided", outputs: [("gradient", gradient)])
    let expected = try #require(try graph.evaluate(["x": image])["gradient"]).doubles
    #expect(difference(found, expected) == 0)
  }

  @Test func `networks that have no rule are refused by node`() throws {
    let sigmoid = try network(bias: 0.3) { try $0.elementwise(.sigmoid, $1) }
    let relevance = #expect(throws: TypeError.self) {
      _ = try attribution(LayerwiseRelevance(sigmoid), image, of: [0, 0])
    }
    #expect(relevance?.description.contains("there is no rule for sigmoid (node layer8x1)") == true)
    let softplus = try network(bias: 0.3) { try $0.softplus($1) }
    let rescale = #expect(throws: TypeError.self) { _ = try attribution(DeepLIFT(softplus), image, of: [0, 0]) }
    #expect(rescale?.description.contains("there is no rule for select (node layer8x1)") == true)
  }
}
