import Arrays
import Foundation
import SampleModels
import TensorTypes
import Testing

/// Models that are well-formed files but cannot be used: every command says so in one sentence with status 1 and leaves the
/// results of earlier calls alone.
@Suite struct BadModelTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path("out"), withIntermediateDirectories: true)
    for name in Self.finished { _ = try folder.write("a finished result".utf8, "out/" + name) }
    try NPZ.write([("x", HostTensor([1, 1, 4, 4], [Float](repeating: 0.5, count: 16)))], to: folder.path("in.npz"))
  }

  private static let finished = ["arrays.npz", "fashion-00018-bag.npz", "fashion-00018-bag.png"]

  /// relu(x) for an image of 4 x 4, changed.
  private func write(_ name: String, _ change: (inout ModelBuilder) -> Void) throws -> String {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["1", "1", "4", "4"])]
    model.nodes = [node("Relu", ["x"], name: "relu")]
    change(&model)
    return try folder.write(model.bytes, name)
  }

  private func expectRefusal(_ path: String, _ words: [String], status: Int32 = 1) throws {
    let out = folder.path("out")
    let calls = [
      ["inspect", path], ["dump", path, "--stage", "imported"], ["bench", path],
      ["run", path, "--inputs", folder.path("in.npz"), "--outputs", out + "/arrays.npz"],
      ["explain", path, Command.bag, "-o", out], ["attack", path, Command.bag, "--target", "1", "-o", out],
    ]
    for call in calls {
      let result = try Command.run(call)
      #expect(result.status == status, "\(call): \(result)")
      #expect(result.output.isEmpty, "\(call): \(result.output)")
      #expect(result.error.hasPrefix("adjoint: ") && result.error.hasSuffix("\n"), "\(call): \(result.error)")
      #expect(result.error.split(separator: "\n").count == 1, "\(call): \(result.error)")
      for word in words { #expect(result.error.contains(word), "\(call): \(result.error)") }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: out).sorted() == Self.finished)
    for name in Self.finished { #expect(folder.bytes("out/" + name) == Data("a finished result".utf8)) }
  }

  @Test func `the model that the others are changed from runs`() throws {
    let model = try write("relu.onnx") { _ in }
    let result = try Command.run(
      "run", model, "--inputs", folder.path("in.npz"), "--outputs", folder.path("out.npz"), "--reference")
    #expect(result.status == 0, "\(result)")
  }

  @Test func `cycles and values that nothing produces are named`() throws {
    let cyclic = try write("cyclic.onnx") {
      $0.nodes = [
        node("Add", ["x", "c"], ["b"], name: "first"), node("Relu", ["b"], ["c"], name: "second"), node("Relu", ["c"]),
      ]
    }
    try expectRefusal(cyclic, ["cyclic.onnx", "cycle", "first", "second"])
    let dangling = try write("dangling.onnx") { $0.nodes = [node("Add", ["x", "bias"], name: "add")] }
    try expectRefusal(dangling, ["dangling.onnx", "\"add\"", "\"bias\"", "nothing in the model produces"])
  }

  @Test func `future versions are refused with those that can be read`() throws {
    try expectRefusal(try write("ir.onnx") { $0.irVersion = 99 }, ["ir.onnx", "IR version 99", "3 to 13"])
    try expectRefusal(try write("opset.onnx") { $0.opsets = [("", 99)] }, ["opset.onnx", "99, a future version", "7 to 27"])
  }

  @Test func `unknown operators are listed all at once with the names of their nodes`() throws {
    let model = try write("unknown.onnx") {
      $0.nodes = [
        node("LSTM", ["x"], ["a"], name: "lstm_1"), node("Bend", ["a"], ["b"], name: "bend", domain: "com.example"),
        node("LSTM", ["b"], ["c"], name: "lstm_2"), node("Relu", ["c"]),
      ]
    }
    try expectRefusal(model, ["2 operators", "LSTM at \"lstm_1\", \"lstm_2\"", "com.example.Bend at \"bend\""])
  }

  @Test func `wrong element types and shapes that do not fit are named with their node`() throws {
    try expectRefusal(try write("text.onnx") { $0.inputs = [value("x", 8, ["1"])] }, ["\"x\"", "string", "float32"])
    let mixed = try write("mixed.onnx") {
      $0.initialisers = [tensor("w", [1], [1] as [Int64])]
      $0.nodes = [node("Add", ["x", "w"], name: "sum")]
    }
    try expectRefusal(mixed, ["mixed.onnx", "Add node \"sum\"", "i64"])
    let misfit = try write("misfit.onnx") {
      $0.initialisers = [tensor("w", [3, 2, 3, 3], [Float](repeating: 0, count: 54))]
      $0.nodes = [node("Conv", ["x", "w"], name: "conv")]
    }
    try expectRefusal(misfit, ["misfit.onnx", "Conv node \"conv\"", "3"])
    let short = try write("short.onnx") {
      $0.initialisers = [tensor("w", [4], [1, 2] as [Float])]
      $0.nodes = [node("Add", ["x", "w"], name: "sum")]
    }
    try expectRefusal(short, ["short.onnx", "\"w\"", "8 bytes"])
  }

  @Test func `external data that is missing, too short or outside of the model's folder is refused`() throws {
    let model = { (location: String) -> (inout ModelBuilder) -> Void in
      { builder in
        let entry = Wire().string(1, "location").string(2, location)
        builder.initialisers = [
          Wire().packed(1, [4]).integer(2, 1).string(8, "w").message(13, entry).integer(14, 1)
        ]
        builder.nodes = [node("Add", ["x", "w"])]
      }
    }
    try expectRefusal(try write("gone.onnx", model("gone.bin")), ["\"w\"", "\"gone.bin\"", "No such file"])
    _ = try folder.write([UInt8](repeating: 0, count: 15), "cut.bin")
    try expectRefusal(try write("cut.onnx", model("cut.bin")), ["\"w\"", "\"cut.bin\"", "15 bytes", "16 bytes"])
    try expectRefusal(try write("above.onnx", model("../secret.bin")), ["\"../secret.bin\"", "inside the model's folder"])
    try expectRefusal(try write("root.onnx", model("/etc/passwd")), ["\"/etc/passwd\"", "inside the model's folder"])
    try FileManager.default.createSymbolicLink(atPath: folder.path("link.bin"), withDestinationPath: "/etc/passwd")
    try expectRefusal(try write("link.onnx", model("link.bin")), ["\"link.bin\"", "leads out of the model's folder"])
  }

  @Test func `the hash of a model covers its external data`() throws {
    let path = try write("external.onnx") {
      let entry = Wire().string(1, "location").string(2, "weights.bin")
      $0.initialisers = [Wire().packed(1, [4]).integer(2, 1).string(8, "w").message(13, entry).integer(14, 1)]
      $0.nodes = [node("Add", ["x", "w"])]
    }
    func hash() throws -> String {
      let result = try Command.run("inspect", path, "--json")
      let facts = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
      return try #require(facts["sha256"] as? String)
    }
    _ = try folder.write([UInt8](repeating: 0, count: 16), "weights.bin")
    let first = try hash()
    _ = try folder.write([UInt8](repeating: 1, count: 16), "weights.bin")
    let second = try hash()
    #expect(first.count == 64 && first != second)
  }

  @Test func `a model that is no classifier is inspected and run, but not explained or attacked`() throws {
    let model = try write("relu.onnx") { _ in }
    #expect(try Command.run("inspect", model).output.contains("none: "))
    for call in [["explain"], ["attack", "--target", "1"]] {
      let result = try Command.run([call[0], model, Command.bag, "-o", folder.path("out")] + call.dropFirst())
      #expect(result.status == 1, "\(result)")
      #expect(result.error.split(separator: "\n").count == 1)
    }
  }

  @Test func `weights that are no numbers stop explain and attack`() throws {
    let model = try write("nan.onnx") {
      $0.inputs = [value("x", 1, ["1", "1", "28", "28"])]
      $0.initialisers = [
        tensor("k", [2, 1, 1, 1], [1, .nan] as [Float]), tensor("w", [2, 3], [Float](repeating: 1, count: 6)),
      ]
      $0.nodes = [
        node("Conv", ["x", "k"], ["a"]), node("GlobalAveragePool", ["a"], ["b"]), node("Flatten", ["b"], ["c"]),
        node("Gemm", ["c", "w"]),
      ]
    }
    #expect(try Command.run("inspect", model).status == 0)
    for call in [["explain"], ["attack", "--target", "1", "--steps", "2"]] {
      let result = try Command.run([call[0], model, Command.bag, "-o", folder.path("out")] + call.dropFirst())
      #expect(result.status == 1 && result.output.isEmpty && result.error.contains("not finite"), "\(result)")
      #expect(result.error.split(separator: "\n").count == 1)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).sorted() == Self.finished)
  }
}
