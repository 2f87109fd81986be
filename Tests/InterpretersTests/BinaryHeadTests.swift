import Foundation
import IR
import Interpreters
import Operators
import SampleNetworks
import TensorTypes
import Testing

/// Classifiers of two classes, in every form that their scores have.
@Suite struct BinaryHeadTests {
  private static let batch = 2, places = 36, features = 6

  enum Head: String, CaseIterable, Sendable {
    case logits, softmax, sigmoid, oneLogit, labels, labelLogits

    /// The label that is looked at of several.
    var label: Int? { self == .labels || self == .labelLogits ? 2 : nil }
    var dropped: String? {
      switch self {
      case .softmax: "softmax"
      case .sigmoid, .labels: "sigmoid"
      case .logits, .oneLogit, .labelLogits: nil
      }
    }
    private var scoreCount: Int { label != nil ? 4 : self == .sigmoid || self == .oneLogit ? 1 : 2 }

    /// Linear scores of pooled features, without a bias.
    func model(seed: UInt64 = 1) throws -> Graph {
      let builder = GraphBuilder()
      var random = Random(seed: seed)
      let x = builder.input("image", TensorType(.float32, [BinaryHeadTests.batch, 3, 12, 12]))
      let filter = builder.constant(random.tensor([BinaryHeadTests.features, 3, 3, 3], in: -0.6...0.6))
      let convolved = try builder.convolution(
        x, filter, strides: [2, 2], padsLow: [1, 1], padsHigh: [1, 1], dilations: [1, 1], groups: 1)
      let pooled = try builder.mean(try builder.softplus(convolved), axes: [2, 3])
      let scores = try builder.matrixMultiply(
        pooled, builder.constant(random.tensor([BinaryHeadTests.features, scoreCount], in: -2...2)))
      let output =
        switch self {
        case .logits, .oneLogit, .labelLogits: scores
        case .softmax: try builder.softmax(scores, axes: [1])
        case .sigmoid, .labels: try builder.elementwise(.sigmoid, scores)
        }
      return builder.finish(name: rawValue, outputs: [("scores", output)])
    }
  }

  private func images() -> HostTensor {
    var random = Random(seed: 7)
    return random.tensor([Self.batch, 3, 12, 12], in: 0...1)
  }

  private func maps(_ interpreter: any Interpreter, of class_: Int) throws -> [String: [Double]] {
    let builder = GraphBuilder(continuing: interpreter.network)
    let classes = builder.constant(HostTensor([Self.batch], [Int64](repeating: Int64(class_), count: Self.batch)))
    let map = try interpreter.appendMap(ofClasses: classes, to: builder)
    let logits = try #require(interpreter.network.output(named: "logits"))
    let graph = builder.finish(
      name: "map", outputs: [("map", map.normalised), ("low", map.low), ("extent", map.extent), ("logits", logits)])
    return try graph.evaluate(["x": images()]).mapValues(\.doubles)
  }

  private func rawMap(_ interpreter: any Interpreter, of class_: Int) throws -> (raw: [Double], logits: [Double]) {
    let outputs = try maps(interpreter, of: class_)
    let (map, low, extent) = try (
      #require(outputs["map"]), #require(outputs["low"]), #require(outputs["extent"])
    )
    let raw = map.indices.map { index in
      let image = index / Self.places
      return map[index] * (extent[image] + 1e-8) + low[image]
    }
    return (raw, try #require(outputs["logits"]))
  }

  @Test(arguments: Head.allCases)
  func `two probabilities come out, and those of a sigmoid are kept`(head: Head) throws {
    let model = try head.model()
    let classifier = try Classifier(model, label: head.label)
    #expect(classifier.classCount == 2)
    #expect(classifier.dropped == head.dropped)
    let logits = try #require(try classifier.graph.evaluate(["x": images()])["logits"]).doubles
    let scores = try #require(try model.evaluate(["image": images()])["scores"]).doubles
    let columns = scores.count / Self.batch
    for image in 0..<Self.batch {
      let second = 1 / (1 + exp(logits[image * 2] - logits[image * 2 + 1]))
      let own = scores[image * columns + (head.label ?? columns - 1)]
      let expected =
        switch head {
        case .softmax, .sigmoid, .labels: own
        case .oneLogit, .labelLogits: 1 / (1 + exp(-own))
        case .logits: 1 / (1 + exp(scores[image * 2] - scores[image * 2 + 1]))
        }
      #expect(abs(second - expected) < 1e-12, "\(second) \(expected)")
    }
  }

  @Test(arguments: Head.allCases)
  func `the mean of a class activation map is the logit, and of a margin map the difference of both`(head: Head) throws {
    let classifier = try Classifier(try head.model(), label: head.label)
    let own = try ClassActivationMap(classifier)
    let margin = try ClassActivationMap(classifier, weights: .margin)
    for class_ in 0...1 {
      let (raw, logits) = try rawMap(own, of: class_)
      let difference = try rawMap(margin, of: class_).raw
      let other = try rawMap(own, of: 1 - class_).raw
      for image in 0..<Self.batch {
        let mean = raw[image * Self.places..<(image + 1) * Self.places].reduce(0, +) / Double(Self.places)
        #expect(abs(mean - logits[image * 2 + class_]) < 1e-7, "\(head), class \(class_)")
      }
      for index in raw.indices { #expect(abs(difference[index] - (raw[index] - other[index])) < 1e-7) }
      #expect(difference.contains { abs($0) > 1e-3 })
    }
  }

  @Test(arguments: Head.allCases)
  func `the gradient maps of both classes are one`(head: Head) throws {
    let interpreter = GradientMap(try Classifier(try head.model(), label: head.label))
    let first = try #require(try maps(interpreter, of: 0)["map"])
    let second = try #require(try maps(interpreter, of: 1)["map"])
    #expect(first == second && first.max() == 1)
  }

  @Test func `labels that cannot be meant are refused`() throws {
    let labels = try Head.labels.model()
    #expect(throws: InterpreterError.sigmoidScores(node: nil)) { _ = try Classifier(labels) }
    #expect(throws: InterpreterError.noLabel(4, count: 4)) { _ = try Classifier(labels, label: 4) }
    #expect(throws: InterpreterError.exclusiveScores) { _ = try Classifier(try Head.softmax.model(), label: 1) }
    let five = try Classifier(try PooledClassifier.generalProduct.graph(batch: 1))
    #expect(throws: InterpreterError.marginOfClasses(count: 5)) { _ = try ClassActivationMap(five, weights: .margin) }
  }
}
