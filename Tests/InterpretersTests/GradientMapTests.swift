import IR
import Interpreters
import Operators
import Passes
import SampleNetworks
import TensorTypes
import Testing

@Suite struct GradientMapTests {
  private func classifier(batch: Int = 1, smooth: Bool = false) throws -> Classifier {
    try Classifier(try PooledClassifier.generalProduct.graph(batch: batch, smooth: smooth))
  }

  private func map(_ interpreter: GradientMap, differentiable: Bool = false) throws -> Graph {
    let builder = GraphBuilder(continuing: interpreter.network)
    let classes = builder.input("class", TensorType(.int64, [interpreter.mapShape[0]]))
    let map =
      differentiable
      ? try interpreter.appendDifferentiableMap(ofClasses: classes, to: builder)
      : try interpreter.appendMap(ofClasses: classes, to: builder)
    let logits = try #require(interpreter.network.output(named: "logits"))
    return builder.finish(
      name: "map", outputs: [("logits", logits), ("map", map.normalised), ("low", map.low), ("extent", map.extent)])
  }

  /// log(p_c / (1 − p_c)) by the definition of the probability.
  private func logOdds(_ logits: [Double], _ chosen: Int) -> Double {
    let largest = logits.max() ?? 0
    let exponentials = logits.map { Exponential.of($0 - largest) }
    let others = exponentials.enumerated().filter { $0.offset != chosen }.reduce(0) { $0 + $1.element }
    return Exponential.logarithm(exponentials[chosen] / others)
  }

  @Test func `the map is the largest slope of the log-odds over the channels of each pixel`() throws {
    let interpreter = GradientMap(try classifier(smooth: true))
    #expect(interpreter.pixels.poolingSize == 1 && interpreter.mapShape == [1, 12, 12])
    let graph = try map(interpreter)
    var random = Random(seed: 3)
    let x = random.tensor([1, 3, 12, 12], in: 0...1)
    let classes = HostTensor([1], [2] as [Int64])
    let outputs = try graph.evaluate(["x": x, "class": classes])
    let normalised = try #require(outputs["map"]).doubles
    let low = try #require(outputs["low"]).doubles[0]
    let extent = try #require(outputs["extent"]).doubles[0]
    #expect(normalised.min() == 0 && normalised.max() == 1)
    for pixel in stride(from: 0, to: 144, by: 13) {
      let slopes = try (0..<3).map { channel in
        let values = try [1e-5, -1e-5].map { change in
          var moved = x.doubles
          moved[channel * 144 + pixel] += change
          let logits = try graph.evaluate(["x": HostTensor(x.type, .double(moved)), "class": classes])["logits"]
          return logOdds(try #require(logits).doubles, 2)
        }
        return abs(values[0] - values[1]) / 2e-5
      }
      let raw = normalised[pixel] * extent + low
      #expect(abs(raw - (slopes.max() ?? 0)) < 1e-7, "pixel \(pixel)")
    }
  }

  /// Images of which pooling leaves a remainder lose it on both sides alike.
  @Test(arguments: [
    ([12, 12], 1, [12, 12]), ([31, 40], 1, [31, 40]), ([32, 35], 2, [16, 17]), ([111, 200], 2, [55, 100]),
    ([112, 112], 4, [28, 28]), ([224, 227], 4, [56, 56]),
  ])
  func `large maps are pooled`(size: [Int], pooling: Int, expected: [Int]) throws {
    let builder = GraphBuilder()
    let image = builder.input("image", TensorType(.float32, Shape([2, 3] + size)))
    let pooled = try builder.mean(image, axes: [2, 3])
    let scores = try builder.matrixMultiply(pooled, builder.constant(HostTensor([3, 2], [1, 2, 3, 4, 5, 7] as [Float])))
    let interpreter = GradientMap(try Classifier(builder.finish(name: "linear", outputs: [("scores", scores)])))
    #expect(interpreter.pixels.poolingSize == pooling)
    #expect(interpreter.mapShape == Shape([2] + expected))
    #expect(try map(interpreter).verify() == ())
    let kept = expected.map { $0 * pooling }
    let remark = PixelMap.remark(imageShape: Shape([2, 3] + size), interpreter: "grad")
    #expect(kept == size ? remark == nil : remark?.hasSuffix("the middle \(kept[0]) x \(kept[1])") == true)
  }

  /// z₁ − z₀ = Σ w x: the slope of the log-odds is w itself, so that each window's mean is known.
  @Test func `windows are averaged and a remainder of one is cut off behind`() throws {
    let builder = GraphBuilder()
    let height = 32
    let width = 35
    let image = builder.input("image", TensorType(.float32, [1, 1, height, width]))
    var random = Random(seed: 6)
    let weights = random.tensor([height * width, 2], in: -1...1)
    let scores = try builder.matrixMultiply(
      try builder.reshape(image, [1, height * width]), builder.constant(weights))
    let classifier = try Classifier(
      builder.finish(name: "linear", outputs: [("scores", scores)]), preprocessing: Preprocessing(channelOrder: .grey))
    let outputs = try map(GradientMap(classifier)).evaluate([
      "x": random.tensor([1, 1, height, width], in: 0...1), "class": HostTensor([1], [1] as [Int64]),
    ])
    let w = weights.doubles
    var raw: [Double] = []
    for row in 0..<16 {
      for column in 0..<17 {
        var sum = 0.0
        for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
          let place = (2 * row + i) * width + 2 * column + j
          sum += abs(w[2 * place + 1] - w[2 * place])
        }
        raw.append(sum / 4)
      }
    }
    let low = raw.min() ?? 0
    let high = raw.max() ?? 0
    let found = try #require(outputs["map"]).doubles
    for (found, raw) in zip(found, raw) { #expect(abs(found - (raw - low) / (high - low)) < 1e-12) }
    #expect(abs(try #require(outputs["low"]).doubles[0] - low) < 1e-12)
  }

  @Test func `a saturated prediction keeps its map`() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", TensorType(.float32, [1, 3, 4, 4]))
    var random = Random(seed: 7)
    let scores = try builder.matrixMultiply(
      try builder.reshape(image, [1, 48]), builder.constant(random.tensor([48, 3], in: -900...900)))
    let graph = try map(GradientMap(try Classifier(builder.finish(name: "steep", outputs: [("scores", scores)]))))
    let outputs = try graph.evaluate([
      "x": random.tensor([1, 3, 4, 4], in: 0...1), "class": HostTensor([1], [1] as [Int64]),
    ])
    #expect(try #require(outputs["extent"]).doubles[0] > 100)
    #expect(try #require(outputs["map"]).doubles.max() == 1)
  }

  @Test func `a map that is constant is zero, not undefined`() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", TensorType(.float32, [1, 3, 4, 4]))
    let scores = try builder.matrixMultiply(
      try builder.mean(image, axes: [2, 3]), builder.constant(HostTensor([3, 2], [1, 2, 3, 4, 5, 7] as [Float])))
    let graph = try map(GradientMap(try Classifier(builder.finish(name: "flat", outputs: [("scores", scores)]))))
    var random = Random(seed: 8)
    let outputs = try graph.evaluate([
      "x": random.tensor([1, 3, 4, 4], in: 0...1), "class": HostTensor([1], [1] as [Int64]),
    ])
    #expect(try #require(outputs["map"]).doubles.allSatisfy { $0 == 0 })
  }

  /// The loss's map has the surrogates' derivative inside of it, and where no place is near a kink the same value.
  @Test func `the map in a loss is made of a second network that shares what lies ahead of the first kink`() throws {
    let plain = try map(GradientMap(try classifier()))
    let smoothed = try map(GradientMap(try classifier()), differentiable: true)
    func count(_ graph: Graph, _ function: ScalarFunction, _ derivative: KinkDerivative = .plain) -> Int {
      graph.nodes.count { node in
        (node.operation as? Elementwise).map { $0.function == function && $0.declared == derivative } ?? false
      }
    }
    #expect(count(plain, .relu) == 2 && count(plain, .relu, .smoothed) == 0)
    #expect(count(smoothed, .relu) == 2 && count(smoothed, .relu, .smoothed) == 2 && count(smoothed, .smoothedStep) == 2)
    // Two forward convolutions, one of the copy (its stem is shared), two backward.
    #expect(smoothed.nodes.count { $0.operation is Convolution } == 5)
    let merged = try Pipeline.simplify(smoothed)
    #expect(merged.isClosed)
    #expect(merged.nodes.count { $0.operation is Convolution } == 4)
    #expect(count(merged, .relu) == 2 && count(merged, .relu, .smoothed) == 0)

    let one = try map(GradientMap(try classifier(), derivative: .plain), differentiable: true)
    #expect(one == plain)
  }

  @Test func `the cross entropy has the map of the log-odds, but for a scale of the probability and the batch`() throws {
    let classifier = try classifier(batch: 2)
    var random = Random(seed: 11)
    let inputs = ["x": random.tensor([2, 3, 12, 12], in: 0...1), "class": HostTensor([2], [1, 4] as [Int64])]
    let own = try map(GradientMap(classifier)).evaluate(inputs)
    let entropy = try map(GradientMap(classifier, score: .meanCrossEntropy)).evaluate(inputs)
    let maps = try (#require(own["map"]).doubles, #require(entropy["map"]).doubles)
    #expect(zip(maps.0, maps.1).allSatisfy { abs($0 - $1) < 1e-9 })
    let extents = try (#require(own["extent"]).doubles, #require(entropy["extent"]).doubles)
    #expect(zip(extents.0, extents.1).allSatisfy { $1 < $0 / 2 && $1 > 0 })
  }

  @Test func `no image of a batch influences another`() throws {
    let pair = try map(GradientMap(try classifier(batch: 2)))
    let alone = try map(GradientMap(try classifier()))
    var random = Random(seed: 9)
    let first = random.tensor([1, 3, 12, 12], in: 0...1).floats
    let second = random.tensor([1, 3, 12, 12], in: 0...1).floats
    let expected = try alone.evaluate(["x": HostTensor([1, 3, 12, 12], second), "class": HostTensor([1], [3] as [Int64])])
    let outputs = try pair.evaluate([
      "x": HostTensor([2, 3, 12, 12], first + second), "class": HostTensor([2], [0, 3] as [Int64]),
    ])
    for name in ["map", "low", "extent"] {
      let own = try #require(expected[name]).doubles
      #expect(try #require(outputs[name]).doubles.suffix(own.count).elementsEqual(own), "\(name)")
    }
  }
}
