import Foundation
import SampleModels
import TensorTypes
import Testing

@testable import ONNX

@Suite struct ExternalDataTests {
  /// A fresh folder with `weights.bin` (16 bytes) in it.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-external-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("model/sub"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let weights = Data([Float(1), 2, 3, 4].flatMap { littleEndian($0) })
    try weights.write(to: folder.appendingPathComponent("model/weights.bin"))
    try weights.write(to: folder.appendingPathComponent("outside.bin"))
    try body(folder.path + "/model")
  }

  private func model(_ entries: [(String, String)], count: Int64 = 2) -> [UInt8] {
    var model = ModelBuilder()
    model.initialisers = [
      Wire().packed(1, [count]).integer(2, 1).string(8, "w")
        .messages(13, entries.map { Wire().string(1, $0.0).string(2, $0.1) }).integer(14, 1)
    ]
    model.nodes = [node("Identity", ["w"])]
    return model.bytes
  }

  private func result(_ folder: String?, _ entries: [(String, String)], count: Int64 = 2) -> String {
    do {
      let graph = try importONNX(bytes: model(entries, count: count), directory: folder).graph
      return "\(graph.nodes.compactMap(\.constant).map(\.floats))"
    } catch {
      return error.description
    }
  }

  @Test func `Elements are read from a file in the model's folder`() throws {
    try withFolder { folder in
      #expect(result(folder, [("location", "weights.bin"), ("offset", "4"), ("length", "8")]) == "[[2.0, 3.0]]")
      #expect(result(folder, [("location", "sub/../weights.bin")]).contains("is not a path inside"))
      #expect(result(folder, [("location", "./weights.bin")], count: 4) == "[[1.0, 2.0, 3.0, 4.0]]")
      let path = folder + "/model.onnx"
      try Data(model([("location", "weights.bin")])).write(to: URL(fileURLWithPath: path))
      #expect(try importONNX(path: path).graph.nodes[0].constant?.floats == [1, 2])
    }
  }

  @Test func `A file that is missing or too short is refused`() throws {
    try withFolder { folder in
      #expect(
        result(folder, [("location", "none.bin")])
          == "tensor \"w\" is stored in \"none.bin\", which cannot be read: No such file or directory")
      #expect(
        result(folder, [("location", "weights.bin"), ("offset", "12")])
          == "tensor \"w\" is stored in \"weights.bin\", which has 16 bytes; 8 bytes from offset 12 on are needed")
      #expect(result(folder, [("location", "weights.bin"), ("offset", "9223372036854775807")]).contains("has 16 bytes"))
      #expect(result(folder, [("location", "weights.bin"), ("offset", "-4")]).contains("a count of bytes is expected"))
      #expect(result(folder, [("location", "weights.bin"), ("length", "12")]).contains("is said to hold 12 bytes"))
      #expect(result(folder, [("location", "sub")]).contains("is not a regular file"))
      #expect(result(folder, []) == "tensor \"w\": its external data names no file")
      #expect(result(nil, [("location", "weights.bin")]).contains("the model was not read from a file"))
    }
  }

  @Test func `A file outside of the model's folder is refused`() throws {
    try withFolder { folder in
      #expect(result(folder, [("location", "../outside.bin")]).contains("is not a path inside the model's folder"))
      #expect(result(folder, [("location", folder + "/weights.bin")]).contains("is not a path inside the model's folder"))
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/link.bin", withDestinationPath: folder + "/../outside.bin")
      #expect(result(folder, [("location", "link.bin")]).contains("leads out of the model's folder"))
      try FileManager.default.createSymbolicLink(atPath: folder + "/inner.bin", withDestinationPath: "weights.bin")
      #expect(result(folder, [("location", "inner.bin")]) == "[[1.0, 2.0]]")
    }
  }

  @Test func `A model that cannot be opened is refused with its path`() {
    #expect(throws: ImportError.unreadable(path: "/nowhere/model.onnx", reason: "No such file or directory")) {
      try importONNX(path: "/nowhere/model.onnx")
    }
    #expect(throws: ImportError.unreadable(path: "/tmp", reason: "it is not a regular file")) {
      try importONNX(path: "/tmp")
    }
  }
}
