import Foundation
import IR
import Interpreters
import Operators
import SampleNetworks
import TensorTypes
import Testing

@Suite struct ClassifierTests {
  @Test(arguments: [PooledClassifier.softmax, .logSoftmax])
  func `a softmax at the end is dropped, and its probabilities are those of the logits`(form: PooledClassifier) throws {
    let model = try form.graph(batch: 2)
    let classifier = try Classifier(model)
    #expect(classifier.dropped == (form == .softmax ? "softmax" : "log-softmax"))
    #expect(!classifier.graph.nodes.contains { ($0.operation as? Elementwise)?.function == .exponential })
    var random = Random(seed: 2)
    let x = random.tensor([2, 3, 12, 12], in: 0...1)
    let logits = try #require(try classifier.graph.evaluate(["x": x])["logits"]).doubles
    let scores = try #require(try model.evaluate(["image": x])["scores"]).doubles
    for image in 0..<2 {
      let row = logits[image * 5..<image * 5 + 5].map { $0 }
      let own = scores[image * 5..<image * 5 + 5].map { form == .softmax ? log($0) : $0 }
      let shift = row[0] - own[0]
      for (a, b) in zip(row, own) { #expect(abs(a - b - shift) < 1e-9) }
    }
  }

  @Test func `a softmax of the older operator sets behind reshapes is dropped too`() throws {
    let builder = GraphBuilder()
    var random = Random(seed: 6)
    let x = builder.input("image", TensorType(.float32, [2, 3, 4, 4]))
    let pooled = try builder.mean(x, axes: [2, 3])
    let logits = try builder.matrixMultiply(pooled, builder.constant(random.tensor([3, 4])))
    let matrix = try builder.softmax(try builder.reshape(try builder.reshape(logits, [2, 4, 1, 1]), [2, 4]), axes: [1])
    let scores = try builder.reshape(matrix, [2, 4, 1, 1])
    let classifier = try Classifier(builder.finish(name: "old", outputs: [("scores", scores)]))
    #expect(classifier.dropped == "softmax")
    #expect(classifier.classCount == 4)
  }

  @Test func `preprocessing applies range, mean, std, channel order and layout`() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", TensorType(.float32, [1, 2, 2, 3]))
    // The scores are the channels themselves, at the first place.
    let scores = try builder.reshape(
      try builder.slice(try builder.slice(image, axis: 1, from: 0, to: 1), axis: 2, from: 0, to: 1), [1, 3])
    let classifier = try Classifier(
      builder.finish(name: "channels", outputs: [("scores", scores)]),
      preprocessing: Preprocessing(
        range: [0, 255], mean: [104, 117, 123], std: [1, 2, 4], channelOrder: .bgr, layout: .nhwc))
    #expect(classifier.imageShape == [1, 3, 2, 2])
    let red: [Float] = [1, 0, 0, 0]
    let green: [Float] = [0.5, 0, 0, 0]
    let blue: [Float] = [0, 0, 0, 0]
    let outputs = try classifier.graph.evaluate(["x": HostTensor([1, 3, 2, 2], red + green + blue)])
    let logits = try #require(outputs["logits"]).doubles
    #expect(zip(logits, [-104, (127.5 - 117) / 2, (255 - 123.0) / 4]).allSatisfy { abs($0 - $1) < 1e-9 })
  }

  @Test func `grey images have one channel`() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", TensorType(.float32, [1, 1, 2, 2]))
    let graph = builder.finish(name: "grey", outputs: [("scores", try builder.reshape(image, [1, 4]))])
    #expect(throws: InterpreterError.self) { _ = try Classifier(graph) }
    let classifier = try Classifier(graph, preprocessing: Preprocessing(mean: [0.5], std: [0.25], channelOrder: .grey))
    let logits = try classifier.graph.evaluate(["x": HostTensor([1, 1, 2, 2], [0, 0.25, 0.5, 1] as [Float])])["logits"]
    #expect(logits?.doubles == [-2, -1, 0, 2])
  }

  @Test func `models that are no classifiers are refused by name`() throws {
    let builder = GraphBuilder()
    let a = builder.input("a", TensorType(.float32, [1, 3, 2, 2]))
    let b = builder.input("b", TensorType(.float32, [1, 3, 2, 2]))
    let both = builder.finish(name: "both", outputs: [("scores", try builder.reshape(try builder.add(a, b), [1, 12]))])
    #expect(throws: InterpreterError.inputs(names: ["a", "b"])) { _ = try Classifier(both) }

    let single = GraphBuilder()
    let x = single.input("x", TensorType(.float32, [1, 3, 2, 2]))
    let flat = try single.reshape(x, [1, 12])
    let several = single.finish(name: "several", outputs: [("one", flat), ("two", flat)])
    #expect(throws: InterpreterError.scores(candidates: ["one", "two"], outputs: ["one", "two"])) {
      _ = try Classifier(several)
    }
    #expect(try Classifier(several, scores: "two").modelOutput == "two")
    let gates = single.finish(name: "gates", outputs: [("scores", try single.elementwise(.sigmoid, flat))])
    #expect(throws: InterpreterError.sigmoidScores(node: nil)) { _ = try Classifier(gates) }
  }

  @Test(arguments: [
    Preprocessing(range: [1, 0]), Preprocessing(mean: [1, 2]), Preprocessing(std: [0]),
    Preprocessing(std: [1, 1, 1], channelOrder: .grey),
  ])
  func `preprocessing that cannot be meant is refused`(preprocessing: Preprocessing) {
    #expect(throws: InterpreterError.self) { try preprocessing.validate() }
  }
}
