import Arrays
import Foundation
import Images
import SampleModels
import TensorTypes
import Testing

@Suite struct ExplainTests {
  @Test func `the map of GRAD has a place for each pixel of a small image, compiled as evaluated`() throws {
    let folder = try TemporaryFolder()
    var maps: [[Double]] = []
    for (output, more) in [("compiled", []), ("reference", ["--reference"])] {
      let result = try Command.run(
        ["explain", Command.model, Command.bag, "--interpreter", "grad", "-o", folder.path(output)] + more)
      #expect(result.status == 0, "\(result.error)")
      let arrays = Dictionary(
        uniqueKeysWithValues: try NPZ.read(path: folder.path("\(output)/fashion-00018-bag.npz"))
          .map { ($0.name, $0.tensor) })
      let map = try #require(arrays["map"])
      #expect(map.shape == [28, 28])
      #expect(map.floats.min() == 0 && map.floats.max() == 1)
      maps.append(map.doubles)
      #expect(try Image(contentsOf: folder.path("\(output)/fashion-00018-bag.grad.png")).width == 28)
    }
    #expect(zip(maps[0], maps[1]).allSatisfy { abs($0 - $1) < 1e-3 })
  }

  /// Every derivative gives a map of its own, which compiled code and evaluator agree about.
  @Test func `the map of GRAD can take another derivative of ReLU`() throws {
    let folder = try TemporaryFolder()
    var maps: [[Float]] = []
    for derivative in ["plain", "smoothed", "sigmoid", "softplus:8", "guided"] {
      let pair = try [[], ["--reference"]].map { more in
        let output = folder.path("\(derivative)\(more.count)")
        let result = try Command.run(
          ["explain", Command.model, Command.bag, "--interpreter", "grad", "--derivative", derivative, "-o", output] + more)
        #expect(result.status == 0, "\(result.error)")
        let arrays = try NPZ.read(path: output + "/fashion-00018-bag.npz")
        return try #require(arrays.first { $0.name == "map" }).tensor.floats
      }
      #expect(zip(pair[0], pair[1]).allSatisfy { abs($0 - $1) < 1e-3 }, "\(derivative)")
      #expect(maps.allSatisfy { other in zip(other, pair[1]).contains { abs($0 - $1) > 0.02 } }, "\(derivative)")
      maps.append(pair[1])
    }
  }

  @Test(arguments: [
    (
      ["grad", "--derivative", "softplus:-1"],
      "there is no derivative 'softplus:-1'; plain, smoothed, sigmoid, softplus:SHARPNESS with a positive number, and "
        + "guided are known"
    ), (["cam", "--derivative", "guided"], "the interpreter cam takes no derivative, which 'guided' would change"),
  ])
  func `a derivative that does not exist, or of an interpreter without one, is a wrong call`(
    words: [String], expected: String
  ) throws {
    let folder = try TemporaryFolder()
    let result = try Command.run(
      ["explain", Command.model, Command.bag, "-o", folder.path("out"), "--interpreter"] + words)
    #expect(result.status == 2)
    #expect(result.error == "adjoint: \(expected)\n")
  }

  @Test func `an interpreter that does not exist is a wrong call`() throws {
    let folder = try TemporaryFolder()
    let result = try Command.run(
      "explain", Command.model, Command.bag, "--interpreter", "lime", "-o", folder.path("out"))
    #expect(result.status == 2)
    let names = "cam, grad, grad-cam, gradient-input, guided-backprop, deeplift, lrp, ig, smoothgrad, mask, rts"
    #expect(result.error == "adjoint: there is no interpreter 'lime'; \(names) are known\n")
  }

  /// Of a network that ends in pooled features, where CAM has the same feature map.
  @Test func `Grad-CAM is the positive part of CAM, and of another layer another map`() throws {
    let folder = try TemporaryFolder()
    func map(_ interpreter: String, _ more: String...) throws -> HostTensor {
      let result = try Command.run(
        ["explain", Command.model, Command.bag, "--interpreter", interpreter, "-o", folder.path("out")] + more)
      #expect(result.status == 0 && !result.output.contains("blank"), "\(result)")
      let arrays = try NPZ.read(path: folder.path("out/fashion-00018-bag.npz"))
      return try #require(arrays.first { $0.name == "map" }?.tensor)
    }
    let last = try map("grad-cam")
    let plain = try map("cam")
    #expect(last.shape == plain.shape)
    for (a, b) in zip(last.floats, plain.floats) where a > 0.01 { #expect(b >= a - 1e-4) }
    let chosen = try map("grad-cam", "--layer", "7x7")
    #expect(chosen.shape == [7, 7])
    let larger = try map("grad-cam", "--layer", "14x14")
    #expect(larger.shape == [14, 14] && larger.floats.max() == 1 && larger.floats.min() == 0)
  }

  @Test func `a baseline has one value, or one for each channel`() throws {
    let folder = try TemporaryFolder()
    func explain(_ baseline: String) throws -> Command.Result {
      try Command.run(
        "explain", Command.root + "/graphs/peers/residual-legacy.onnx", Command.bag, "--interpreter", "deeplift",
        "--baseline", baseline, "-o", folder.path("out"))
    }
    func map() throws -> [Float] {
      let arrays = try NPZ.read(path: folder.path("out/fashion-00018-bag.npz"))
      return try #require(arrays.first { $0.name == "map" }?.tensor).floats
    }
    var maps: [[Float]] = []
    for baseline in ["0.4", "0.4,0.4,0.4", "0.485,0.456,0.406"] {
      let result = try explain(baseline)
      #expect(result.status == 0, "\(result.error)")
      maps.append(try map())
    }
    #expect(maps[0] == maps[1] && maps[0] != maps[2])
    let refused = try explain("0.1,0.2")
    #expect(refused.status == 2)
    #expect(
      refused.error
        == "adjoint: --baseline is '0.1,0.2'; a number from 0 to 1 is accepted, or 3 of them with commas between\n")
  }

  @Test(arguments: [
    (["lrp", "--baseline", "0"], 2, "--baseline goes with --interpreter deeplift or ig, not with lrp"),
    (["deeplift", "--baseline", "2"], 2, "--baseline is '2'; a number from 0 to 1 is accepted"),
    (["ig", "--baseline", "0.1,0.2"], 2, "--baseline is '0.1,0.2'; a number from 0 to 1 is accepted"),
    (["ig", "--samples", "0"], 2, "--samples is 0; 1 to 4096 are accepted"),
    (["smoothgrad", "--noise", "2"], 2, "--noise is 2.0; 0 to 1 are accepted"),
    (["lrp", "--epsilon", "0"], 2, "--epsilon is 0.0; more than 0 is accepted"),
    (["grad", "--layer", "7x7"], 2, "--layer goes with --interpreter grad-cam, not with grad"),
    (
      ["grad-cam", "--layer-weights", "half"], 2,
      "there are no channel weights 'half'; constant and differentiated are known"
    ),
    (["grad-cam", "--layer", "9x9"], 1, "the model lacks a feature map of 9x9: those of 28x28, 14x14, 7x7 are there"),
  ])
  func `options that do not exist, or of another interpreter, are refused`(
    words: [String], status: Int32, expected: String
  ) throws {
    let folder = try TemporaryFolder()
    let result = try Command.run(
      ["explain", Command.model, Command.bag, "-o", folder.path("out"), "--interpreter"] + words)
    #expect(result.status == status && result.error == "adjoint: \(expected)\n", "\(result)")
  }

  @Test func `explain writes the map and a picture of every image`() throws {
    let folder = try TemporaryFolder()
    let result = try Command.run(
      "explain", Command.model, Command.bag, Command.dress, "--interpreter", "cam", "--class", "Dress", "-o",
      folder.path("out"))
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains("fashion-00018-bag: Dress"))
    for name in ["fashion-00018-bag", "fashion-00013-dress"] {
      let arrays = Dictionary(
        uniqueKeysWithValues: try NPZ.read(path: folder.path("out/\(name).npz")).map { ($0.name, $0.tensor) })
      #expect(arrays.keys.sorted() == ["class", "map", "probabilities"])
      #expect(arrays["class"]?.integers == [3])
      #expect(arrays["map"]?.shape == [7, 7])
      #expect(arrays["map"]?.floats.min() == 0)
      #expect(abs((arrays["probabilities"]?.doubles.reduce(0, +) ?? 0) - 1) < 1e-5)
      let picture = try Image(contentsOf: folder.path("out/\(name).cam.png"))
      #expect(picture.width == 28 && picture.height == 28)
    }
  }

  /// The mean of 33 x 33 pixels against none: GRAD's map of it is the same everywhere.
  @Test func `what GRAD leaves out of an image is said once, and a blank map is no success`() throws {
    let folder = try TemporaryFolder()
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["N", "1", "33", "33"])]
    model.initialisers = [tensor("w", [1, 2], [1, 0] as [Float]), tensor("b", [2], [0, 0.2] as [Float])]
    model.nodes = [
      node("GlobalAveragePool", ["x"], ["mean"]), node("Flatten", ["mean"], ["flat"]), node("Gemm", ["flat", "w", "b"]),
    ]
    let path = try folder.write(model.bytes, "mean.onnx")
    let remark = "GRAD averages windows of 2 x 2 pixels: of images of 33 x 33 it takes the middle 32 x 32\n"
    let images = [Command.bag, Command.dress]
    let attack = ["attack", path] + images + ["--target", "1", "--eps", "1", "--steps", "200", "--attack", "pgd"]
    for call in [["inspect", path], ["explain", path] + images, attack] {
      let more = call[0] == "inspect" ? [] : ["--interpreter", "grad", "-o", folder.path("out"), "--reference"]
      let result = try Command.run(call + more)
      #expect(result.status == 0 && result.error == remark, "\(result)")
    }
    let lines = try String(contentsOfFile: folder.path("out/results.jsonl"), encoding: .utf8).split(separator: "\n")
    for line in lines {
      let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let png = try #require(record["png"] as? [String: Any])
      #expect(png["success"] as? Bool == true && png["mapL1"] as? Double == 0)
      #expect(png["mapStatus"] as? String == "blank" && record["benignMapStatus"] as? String == "blank")
      #expect(png["mapSpearman"] == nil && png["jointSuccess"] as? Bool == false)
    }
    #expect(lines.count == 2)
  }
}
