import Arrays
import Foundation
import Images
import SampleModels
import TensorTypes
import Testing

/// Heads and images that are handled, though they are not what most models and calls have.
@Suite struct UnusualInputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Images of 8 x 8 pixels, a 1 x 1 convolution with ReLU, means, a linear layer, and what stands behind it.
  private func model(_ name: String, scores: Int, head: String?, labels: [String]? = nil) throws -> String {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["N", "3", "8", "8"])]
    model.initialisers = [
      tensor("filter", [4, 3, 1, 1], (0..<12).map { Float(($0 * 5) % 7) / 4 - 0.6 }),
      tensor("weights", [4, Int64(scores)], (0..<4 * scores).map { Float(($0 * 11) % 13) / 2 - 3 }),
    ]
    model.nodes = [
      node("Conv", ["x", "filter"], ["c"]), node("Relu", ["c"], ["r"]), node("GlobalAveragePool", ["r"], ["p"]),
      node("Flatten", ["p"], ["f"]), node("MatMul", ["f", "weights"], [head == nil ? "y" : "z"]),
    ]
    if let head { model.nodes.append(node(head, ["z"])) }
    if let labels {
      _ = try folder.write(labels.joined(separator: "\n").utf8, name + ".txt")
      _ = try folder.write("{\"labels\": \"\(name).txt\"}".utf8, name + ".json")
    }
    return try folder.write(model.bytes, name + ".onnx")
  }

  private func image(_ name: String, side: Int = 8, _ level: (Int) -> Int) throws -> String {
    let pixels = (0..<side * side * 3).map { UInt8(level($0)) }
    return try folder.write(try Image(width: side, height: side, pixels: pixels).encodedPNG(), name + ".png")
  }

  private func noise() throws -> String { try image("noise") { ($0 * $0 / 3) % 251 } }

  private func array(_ name: String, _ file: String) throws -> HostTensor {
    try #require(try NPZ.read(path: folder.path(file)).first { $0.name == name }?.tensor)
  }

  @Test(arguments: [("Sigmoid", ["cat"]), ("Sigmoid", ["dog", "cat"]), (nil, ["cat"])] as [(String?, [String])])
  func `a model with one score has two classes`(head: String?, labels: [String]) throws {
    let model = try model("one", scores: 1, head: head, labels: labels)
    let result = try Command.run("explain", model, try noise(), "--class", "cat", "-o", folder.path("out"))
    #expect(result.status == 0 && result.output.hasPrefix("noise: cat "), "\(result)")
    let probabilities = try array("probabilities", "out/noise.npz").doubles
    #expect(probabilities.count == 2 && abs(probabilities[0] + probabilities[1] - 1) < 1e-6)
    let seen = try Command.run("explain", model, try noise(), "-o", folder.path("seen"), "--interpreter", "grad")
    #expect(seen.status == 0, "\(seen)")
    let target = probabilities[0] > probabilities[1] ? "1" : "0"
    let attacked = try Command.run(
      "attack", model, try noise(), "--target", target, "--eps", "0.3", "--steps", "20", "--warm", "20", "-o",
      folder.path("attacked"))
    #expect(attacked.status == 0, "\(attacked)")
  }

  @Test func `of labels that do not exclude one another one is looked at, by number or name`() throws {
    let model = try model("labels", scores: 3, head: "Sigmoid", labels: ["grass", "dog", "sky"])
    let refused = try Command.run("explain", model, try noise(), "-o", folder.path("out"))
    #expect(refused.status == 1 && refused.error.contains("--multi-label"), "\(refused)")
    for words in ["dog", "1"] {
      let result = try Command.run(
        "explain", model, try noise(), "--multi-label", words, "--class", "not dog", "-o", folder.path(words))
      #expect(result.status == 0 && result.output.hasPrefix("noise: not dog "), "\(result)")
    }
    #expect(try array("map", "dog/noise.npz") == array("map", "1/noise.npz"))
    for words in ["3", "-1", "tree"] {
      let result = try Command.run("explain", model, try noise(), "--multi-label=\(words)", "-o", folder.path("none"))
      #expect(result.status != 0 && result.error.split(separator: "\n").count == 1, "\(result)")
    }
    let inspected = try Command.run("inspect", model, "--multi-label", "dog")
    #expect(inspected.output.contains("without and with label 1") && inspected.output.contains("dropping the sigmoid"))
  }

  @Test func `margin weights go with two classes`() throws {
    let two = try model("two", scores: 2, head: "Softmax")
    let three = try model("three", scores: 3, head: nil)
    let first = try Command.run("explain", two, try noise(), "--class", "0", "-o", folder.path("own"))
    let second = try Command.run(
      "explain", two, try noise(), "--class", "0", "--cam-weights", "margin", "-o", folder.path("margin"))
    #expect(first.status == 0 && second.status == 0, "\(first) \(second)")
    #expect(try array("map", "own/noise.npz") != array("map", "margin/noise.npz"))
    let refused = try Command.run("explain", three, try noise(), "--cam-weights", "margin", "-o", folder.path("none"))
    #expect(refused.status == 1 && refused.error.contains("the model has 3"), "\(refused)")
  }

  @Test func `a map that is the same everywhere is blank and finite, and the images beside it are whole`() throws {
    let model = try model("blank", scores: 3, head: nil)
    let grey = try image("grey") { _ in 128 }
    let result = try Command.run("explain", model, grey, try noise(), "-o", folder.path("out"))
    #expect(result.status == 0 && result.output.contains("blank map"), "\(result)")
    #expect(try array("map", "out/grey.npz").doubles.allSatisfy { $0 == 0 })
    #expect(try array("map", "out/noise.npz").doubles.max() == 1)
  }

  @Test func `images smaller than the network's input are enlarged`() throws {
    let model = try model("small", scores: 3, head: nil)
    let result = try Command.run("explain", model, try image("tiny", side: 3) { $0 * 9 }, "-o", folder.path("out"))
    #expect(result.status == 0, "\(result)")
    #expect(try array("map", "out/tiny.npz").shape == [8, 8])
  }
}
