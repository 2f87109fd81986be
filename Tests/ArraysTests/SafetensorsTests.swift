import Arrays
import TensorTypes
import Testing

@Suite struct SafetensorsTests {
  private func file(_ header: String, _ elements: [UInt8], size: Int? = nil) -> [UInt8] {
    let length = UInt64(size ?? header.utf8.count)
    return withUnsafeBytes(of: length.littleEndian, Array.init) + Array(header.utf8) + elements
  }

  private func words<Word: FixedWidthInteger>(_ values: [Word]) -> [UInt8] {
    values.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
  }

  @Test func `every element type is read, in the order of the elements`() throws {
    let header = """
      {"__metadata__": {"format": "pt"}, "half": {"dtype": "F16", "shape": [5], "data_offsets": [24, 34]},
      "wide": {"dtype": "F64", "shape": [1, 2], "data_offsets": [0, 16]},
      "single": {"dtype": "F32", "shape": [2], "data_offsets": [16, 24]},
      "brain": {"dtype": "BF16", "shape": [], "data_offsets": [34, 36]},
      "long": {"dtype": "I64", "shape": [1], "data_offsets": [36, 44]},
      "int": {"dtype": "I32", "shape": [1], "data_offsets": [44, 48]},
      "none": {"dtype": "F32", "shape": [0, 3], "data_offsets": [48, 48]},
      "truth": {"dtype": "BOOL", "shape": [2], "data_offsets": [48, 50]}}
      """
    let elements =
      words([(1.5).bitPattern, (-0.1).bitPattern]) + words([Float(0.25).bitPattern, Float.infinity.bitPattern])
      + words([0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000] as [UInt16]) + words([0x3f80] as [UInt16])
      + words([-7] as [Int64]) + words([-9] as [Int32]) + [1, 0]
    let tensors = try Safetensors.decode(file(header, elements))
    #expect(tensors.map(\.name) == ["wide", "single", "half", "brain", "long", "int", "none", "truth"])
    #expect(tensors[0].tensor == HostTensor(TensorType(.float64, [1, 2]), .double([1.5, -0.1])))
    #expect(tensors[1].tensor == HostTensor([2], [0.25, .infinity] as [Float]))
    #expect(tensors[2].tensor.doubles == [1, -2, 0x1p-24, 65504, 0])
    #expect(tensors[3].tensor == HostTensor(.scalar, [1] as [Float]))
    #expect(tensors[4].tensor.integers == [-7] && tensors[5].tensor.integers == [-9])
    #expect(tensors[6].tensor.shape == [0, 3] && tensors[7].tensor.integers == [1, 0])
  }

  @Test(
    arguments: [
      ("{}", 0, 1 << 62, "header"), ("{}", 0, 3, "header"), ("{", 0, nil, "JSON"), ("[]", 0, nil, "JSON"),
      ("{}", 1, nil, "1 bytes"),
      (#"{"a": {"dtype": "F32", "shape": [2]}}"#, 8, nil, "lacks"),
      (#"{"a": {"dtype": "F8_E5M2", "shape": [8], "data_offsets": [0, 8]}}"#, 8, nil, "F8_E5M2"),
      (#"{"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}"#, 8, nil, "8 bytes for the shape"),
      (#"{"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}"#, 8, nil, "[-2]"),
      (#"{"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 8]}}"#, 8, nil, "shape"),
      (#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 16]}}"#, 8, nil, "0 to 16"),
      (#"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}"#, 8, nil, "4 to 8"),
      (#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}"#, 8, nil, "8 to 0"),
      (
        #"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [2, 6]}}"#,
        8, nil, "2 to 6"
      ),
    ] as [(String, Int, Int?, String)])
  func `a damaged file is refused in words`(header: String, elements: Int, size: Int?, words: String) {
    let bytes = file(header, [UInt8](repeating: 0, count: elements), size: size)
    let error = #expect(throws: ArrayFileError.self) { _ = try Safetensors.decode(bytes, file: "w.safetensors") }
    let said = error?.description ?? ""
    #expect(said.contains("'w.safetensors'") && said.contains(words), "\(said)")
  }

  @Test func `no part of a file decodes as the whole`() throws {
    let whole = file(
      #"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}"#, [UInt8](repeating: 1, count: 8))
    #expect(try Safetensors.decode(whole).count == 1)
    for length in 0..<whole.count {
      #expect(throws: ArrayFileError.self, "\(length)") { _ = try Safetensors.decode(Array(whole.prefix(length))) }
    }
  }
}
