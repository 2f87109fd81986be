import SampleModels
import TensorTypes
import Testing

@testable import ONNX

@Suite struct WireScanTests {
  /// y = relu(x + w) with one initialiser of 64 elements.
  static let model = {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["1", "64"])]
    model.initialisers = [tensor("w", [64], [Float](repeating: 0.5, count: 64))]
    model.nodes = [node("Add", ["x", "w"], ["s"], name: "add"), node("Relu", ["s"], name: "relu")]
    return model
  }()

  private func scan(_ bytes: [UInt8]) throws -> WireScan { try bytes.withUnsafeBytes { try WireScan($0) } }

  private func refusal(_ bytes: [UInt8]) -> String {
    do {
      _ = try importONNX(bytes: bytes)
      return "accepted"
    } catch {
      return error.description
    }
  }

  @Test func `The elements of a tensor stay out of the reduced copy`() throws {
    let scan = try scan(Self.model.bytes)
    #expect(scan.payloads.count == 1)
    #expect(scan.payloads[0].ranges[0].count == 256)
    #expect(scan.reduced.count < Self.model.bytes.count - 200)
    let imported = try importONNX(bytes: Self.model.bytes)
    #expect(imported.parameterCount == 64)
  }

  @Test func `Fields outside of the schema are dropped`() throws {
    var bytes = Self.model.bytes
    bytes += Wire().string(6, String(repeating: "words", count: 1000)).bytes
    #expect(try scan(bytes).reduced == scan(Self.model.bytes).reduced)
    #expect(try importONNX(bytes: bytes).graph == importONNX(bytes: Self.model.bytes).graph)
  }

  @Test func `A file cannot point a tensor to a payload of its own choice`() throws {
    var model = Self.model
    model.initialisers = [Wire().packed(1, [64]).integer(2, 1).string(8, "w").integer(1000, 1)]
    #expect(refusal(model.bytes).contains("tensor \"w\""))
  }

  @Test func `Every truncation of a model is refused`() {
    let bytes = Self.model.bytes
    for count in 0..<bytes.count - 1 {
      let words = refusal(Array(bytes[..<count]))
      #expect(words != "accepted", "\(count) bytes")
    }
  }

  @Test func `A model with any one byte changed is imported or refused`() {
    let bytes = Self.model.bytes
    var refused = 0
    for position in bytes.indices where position < 40 || position > 300 {
      for flip: UInt8 in [1, 2, 4, 8, 0x80, 0xff] {
        var changed = bytes
        changed[position] ^= flip
        if refusal(changed) != "accepted" { refused += 1 }
      }
    }
    #expect(refused > 200)
  }

  @Test func `Files that are no models are refused`() {
    #expect(refusal([]) == "the file is empty; an ONNX model is expected")
    #expect(refusal([0x89] + Array("PNG\r\n\u{1a}\n".utf8)).contains("not a whole ONNX model"))
    #expect(refusal(Array("this is no model, only words".utf8)).contains("not a whole ONNX model"))
    #expect(refusal(Wire().integer(1, 8).bytes) == "not an ONNX model: it holds no graph")
  }

  @Test func `Lengths are checked against the enclosing message`() {
    #expect(
      refusal([0x3a, 0x05, 0x0a, 0x09, 0, 0, 0])
        == "not a whole ONNX model: field 1 has 9 bytes, but only 3 are left, at byte 2")
  }

  @Test func `Groups and unknown wire types are refused`() {
    #expect(refusal([0x3b]) == "not a whole ONNX model: field 7 is a group, which ONNX does not use, at byte 0")
    #expect(refusal([0x3e]) == "not a whole ONNX model: field 7 has the unknown wire type 6, at byte 0")
    #expect(refusal([0x38, 0x01]) == "not a whole ONNX model: field graph of ModelProto has the wrong wire type, at byte 0")
    #expect(refusal([0x02, 0x00]).contains("field number 0 is out of range"))
  }

  @Test func `Numbers of more than 64 bits are refused`() {
    #expect(
      refusal([0x08] + [UInt8](repeating: 0xff, count: 9) + [0x02]).contains("a number has more than 64 bits, at byte 1"))
    #expect(refusal([0x08, 0xff]).contains("a number does not end"))
  }

  @Test func `Text is checked`() {
    #expect(refusal(Wire().raw(2, [0xff, 0xfe]).bytes).contains("field producer_name of ModelProto is no text in UTF-8"))
    #expect(refusal(Wire().raw(2, [0x61, 0x00]).bytes).contains("no text in UTF-8"))
  }

  @Test(arguments: [100, 10_000])
  func `Deep nesting is refused`(depth: Int) {
    // A graph in an attribute of a node of a graph in ...
    var bytes: [UInt8] = []
    for _ in 0..<depth {
      bytes = Wire().raw(6, bytes).bytes
      bytes = Wire().raw(5, bytes).bytes
      bytes = Wire().raw(1, bytes).bytes
    }
    #expect(refusal(Wire().raw(7, bytes).bytes).contains("messages nest 101 deep"))
  }

  @Test func `Counts are bounded`() {
    let dimensions = Wire().packed(1, [Int64](repeating: 1, count: 33)).integer(2, 1)
    #expect(refusal(Wire().message(7, Wire().message(5, dimensions)).bytes).contains("a tensor has more than 32 dimensions"))
    let nodes = [UInt8](repeating: 0, count: 2 * (1 << 20) + 2).enumerated().map {
      $0.offset.isMultiple(of: 2) ? UInt8(0x0a) : 0
    }
    #expect(refusal(Wire().raw(7, nodes).bytes).contains("more than 1048576 messages NodeProto"))
  }

  @Test func `Repeated numbers are read packed and one by one`() throws {
    var model = Self.model
    let elements = (0..<64).reduce(Wire().integer(1, 8).integer(1, 8).integer(2, 1).string(8, "w")) {
      $0.float(4, Float($1))
    }
    model.initialisers = [elements]
    model.nodes = [node("Identity", ["w"])]
    let constant = try #require(try importONNX(bytes: model.bytes).graph.nodes.compactMap(\.constant).first)
    #expect(constant == HostTensor([8, 8], (0..<64).map { Float($0) }))
  }
}
