import Arrays
import Foundation
import SampleModels
import TensorTypes
import Testing

@Suite struct RunTests {
  private let folder: TemporaryFolder
  private let input: HostTensor

  init() throws {
    folder = try TemporaryFolder()
    input = HostTensor([2, 1, 28, 28], (0..<2 * 28 * 28).map { Float($0 * 37 % 256) / 255 })
    try NPZ.write([("x", input)], to: folder.path("in.npz"))
  }

  private func run(_ inputs: String, _ more: [String] = []) throws -> Command.Result {
    try Command.run(["run", Command.model, "--inputs", folder.path(inputs), "--outputs", folder.path("out.npz")] + more)
  }

  @Test func `compiled code and the reference evaluator agree, and threads change no bytes`() throws {
    #expect(try run("in.npz", ["--threads", "1"]).status == 0)
    let first = folder.bytes("out.npz")
    let compiled = try #require(try NPZ.read(path: folder.path("out.npz")).first)
    #expect(try run("in.npz", ["--threads", "2"]).status == 0)
    #expect(folder.bytes("out.npz") == first)
    #expect(try run("in.npz", ["--reference"]).status == 0)
    let reference = try #require(try NPZ.read(path: folder.path("out.npz")).first)
    #expect(compiled.name == "logits")
    #expect(compiled.tensor.type == TensorType(.float32, [2, 10]))
    let scale = reference.tensor.doubles.map(abs).max() ?? 0
    #expect(scale > 0.1)
    for (a, b) in zip(compiled.tensor.doubles, reference.tensor.doubles) { #expect(abs(a - b) <= 1e-5 * scale) }
  }

  @Test func `arrays that do not fit the model are refused by name`() throws {
    try NPZ.write([("y", input)], to: folder.path("name.npz"))
    try NPZ.write(
      [("x", HostTensor([2, 1, 28, 28], [Int64](repeating: 0, count: 2 * 28 * 28)))], to: folder.path("type.npz"))
    try NPZ.write(
      [("x", HostTensor([2, 1, 9, 28], [Float](repeating: 0, count: 2 * 9 * 28)))], to: folder.path("shape.npz"))
    for (file, words) in [("name.npz", "x"), ("type.npz", "i64"), ("shape.npz", "28")] {
      let result = try run(file)
      #expect(result.status == 2, "\(file): \(result)")
      #expect(result.error.contains(words), "\(result.error)")
      #expect(folder.bytes("out.npz") == nil)
    }
    try NPZ.write([("x", input), ("y", input)], to: folder.path("more.npz"))
    let more = try run("more.npz")
    #expect(more.status == 2 && more.error.contains("\"y\"") && more.error.contains("\"x\""), "\(more)")
    let text = try folder.write("no arrays".utf8, "text.npz")
    let unreadable = try run("text.npz")
    #expect(unreadable.status == 1 && unreadable.error.contains(text), "\(unreadable)")
    #expect(folder.bytes("out.npz") == nil)
    let missing = try run("missing.npz")
    #expect(missing.status == 1)
    #expect(missing.error.contains("missing.npz"))
  }

  /// y = x in the shape that the input `shape` holds; z = the elements from `start` up to `end` on.
  private func shapedByInputs() throws -> String {
    var model = ModelBuilder()
    model.inputs = [
      value("x", 1, ["6"]), value("shape", 7, ["2"]), value("start", 7, ["1"]), value("end", 7, ["1"]),
    ]
    model.outputs = [value("y", 1, nil), value("z", 1, nil)]
    model.nodes = [node("Reshape", ["x", "shape"]), node("Slice", ["x", "start", "end"], ["z"])]
    return try folder.write(model.bytes, "shaped.onnx")
  }

  @Test(arguments: [[], ["--reference"]])
  func `integer inputs that decide shapes are bound to the values given`(more: [String]) throws {
    let model = try shapedByInputs()
    let x = HostTensor([6], [0, 1, 2, 3, 4, 5] as [Float])
    for (shape, start, end) in [([2, 3], 1, 4), ([6, 1], -2, Int64.max)] as [([Int64], Int64, Int64)] {
      try NPZ.write(
        [
          ("x", x), ("shape", HostTensor([2], shape)), ("start", HostTensor([1], [start])), ("end", HostTensor([1], [end])),
        ], to: folder.path("shaped.npz"))
      let result = try Command.run(
        ["run", model, "--inputs", folder.path("shaped.npz"), "--outputs", folder.path("shapes.npz")] + more)
      #expect(result.status == 0, "\(result)")
      let outputs = try NPZ.read(path: folder.path("shapes.npz"))
      #expect(outputs.map(\.name) == ["y", "z"])
      #expect(outputs.first?.tensor.shape.extents == shape.map { Int($0) })
      #expect(outputs.first?.tensor.floats == [0, 1, 2, 3, 4, 5])
      #expect(outputs.last?.tensor.floats == (start == 1 ? [1, 2, 3] : [4, 5]))
    }
    try NPZ.write(
      [
        ("x", x), ("shape", HostTensor([2], [4, 2] as [Int64])), ("start", HostTensor([1], [0] as [Int64])),
        ("end", HostTensor([1], [1] as [Int64])),
      ], to: folder.path("shaped.npz"))
    let misfit = try Command.run(
      ["run", model, "--inputs", folder.path("shaped.npz"), "--outputs", folder.path("none.npz")] + more)
    #expect(misfit.status == 1 && misfit.error.contains("Reshape") && folder.bytes("none.npz") == nil, "\(misfit)")
  }

  @Test(arguments: [[], ["--reference"]])
  func `weights that are no numbers come out as such and stop nothing`(more: [String]) throws {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["3"])]
    model.initialisers = [tensor("w", [3], [1, .nan, .infinity] as [Float])]
    model.nodes = [node("Mul", ["x", "w"])]
    let path = try folder.write(model.bytes, "nan.onnx")
    try NPZ.write([("x", HostTensor([3], [2, 2, 2] as [Float]))], to: folder.path("three.npz"))
    let result = try Command.run(
      ["run", path, "--inputs", folder.path("three.npz"), "--outputs", folder.path("nan.npz")] + more)
    #expect(result.status == 0, "\(result)")
    let y = try #require(try NPZ.read(path: folder.path("nan.npz")).first).tensor.floats
    #expect(y[0] == 2 && y[1].isNaN && y[2] == .infinity)
  }

  @Test func `a place that cannot be written to is named, and nothing is left`() throws {
    let file = try folder.write("".utf8, "file")
    for output in [file + "/out.npz", folder.path("none/out.npz"), "/proc/out.npz", folder.path] {
      let result = try Command.run("run", Command.model, "--inputs", folder.path("in.npz"), "--outputs", output)
      #expect(result.status == 1 && result.error.contains(output), "\(result)")
      #expect(result.error.split(separator: "\n").count == 1)
    }
    #expect(folder.files == ["file", "in.npz"])
  }
}
