import Arrays
import Foundation
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
    let missing = try run("missing.npz")
    #expect(missing.status == 1)
    #expect(missing.error.contains("missing.npz"))
  }
}
