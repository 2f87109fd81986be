import SampleModels
import TensorTypes
import Testing

@testable import ONNX

@Suite struct TensorTests {
  /// The tensor as an initialiser of a model, read back.
  private func read(_ wire: Wire) throws -> HostTensor {
    let model = try ONNXModel(ModelBytes(copying: Wire().message(7, Wire().message(5, wire)).bytes), directory: nil)
    return try model.graph.initialisers[0].hostTensor(from: model.elements)
  }

  private func header(_ dimensions: [Int64], _ code: Int64) -> Wire {
    Wire().packed(1, dimensions).integer(2, code).string(8, "t")
  }

  private func refusal(_ wire: Wire) -> String {
    do {
      return "accepted \(try read(wire))"
    } catch {
      return "\(error)"
    }
  }

  @Test func `Raw data holds every accepted element type`() throws {
    #expect(
      try read(header([2], 1).raw(9, [Float(1.5), -2].flatMap { littleEndian($0) })) == HostTensor([2], [Float(1.5), -2]))
    #expect(
      try read(header([2], 11).raw(9, [1.5, -2].flatMap { littleEndian($0 as Double) }))
        == HostTensor(TensorType(.float64, [2]), .double([1.5, -2])))
    #expect(
      try read(header([2], 6).raw(9, [Int32(7), -2].flatMap { littleEndian($0) }))
        == HostTensor(TensorType(.int32, [2]), .integer([7, -2])))
    #expect(try read(header([1], 7).raw(9, littleEndian(Int64.max))) == HostTensor([1], [Int64.max]))
    #expect(
      try read(header([3], 9).raw(9, [0, 1, 1])) == HostTensor(TensorType(.boolean, [3]), .boolean([false, true, true])))
  }

  @Test func `16-bit floating-point elements widen to f32`() throws {
    let half = [Float16(0.1), -65504, .infinity]
    let expected = HostTensor([3], half.map(Float.init))
    #expect(try read(header([3], 10).raw(9, half.flatMap { littleEndian($0.bitPattern) })) == expected)
    #expect(try read(header([3], 10).packed(5, half.map { Int64($0.bitPattern) })) == expected)
    #expect(try read(header([1], 16).raw(9, littleEndian(UInt16(0x3fc0)))) == HostTensor([1], [Float(1.5)]))
    #expect(try read(header([1], 16).packed(5, [0x3fc0])) == HostTensor([1], [Float(1.5)]))
  }

  @Test func `Typed fields hold the same elements`() throws {
    #expect(try read(header([2], 1).raw(4, [Float(1), 2].flatMap { littleEndian($0) })) == HostTensor([2], [Float(1), 2]))
    #expect(try read(header([], 11).raw(10, littleEndian(2.5))) == .scalar(2.5, .float64))
    #expect(try read(header([2], 6).packed(5, [3, -4])) == HostTensor(TensorType(.int32, [2]), .integer([3, -4])))
    #expect(try read(header([2], 9).packed(5, [0, 1])) == HostTensor(TensorType(.boolean, [2]), .boolean([false, true])))
    #expect(try read(header([2], 7).packed(7, [3, .min])) == HostTensor([2], [Int64(3), .min]))
    #expect(try read(header([0, 4], 1)) == HostTensor([0, 4], [Float]()))
  }

  @Test func `Element types without a counterpart are refused by name`() {
    #expect(refusal(header([1], 3).raw(9, [1])).hasPrefix("tensor \"t\": it has elements of int8; float32,"))
    #expect(refusal(header([1], 8)).contains("elements of string"))
    #expect(refusal(header([1], 99)).contains("elements of element type 99"))
  }

  @Test func `Sizes that do not fit are refused`() {
    #expect(
      refusal(header([3], 1).raw(9, [1, 2, 3, 4]))
        == "tensor \"t\": it holds 4 bytes; its type float32[3] takes 12")
    #expect(refusal(header([3], 7).packed(7, [1])) == "tensor \"t\": it holds 1 elements; its shape [3] takes 3")
    #expect(refusal(header([3], 1)).contains("it holds 0 elements"))
    #expect(refusal(header([-1], 1)).contains("[-1] is no shape"))
    #expect(refusal(header([1 << 40, 1 << 40], 1)).contains("is no shape of at most 2^31 elements"))
  }

  @Test func `Elements in a field of another type or in two places are refused`() {
    #expect(
      refusal(header([1], 7).raw(4, littleEndian(Float(1)))).contains("elements of int64 are not stored in float_data"))
    #expect(refusal(header([1], 1).packed(7, [1])).contains("elements of float32 are not stored in int64_data"))
    #expect(refusal(header([1], 7).packed(7, [1]).raw(9, littleEndian(Int64(1)))).contains("stored in 2 places"))
    #expect(refusal(header([1], 1).raw(9, [0, 0, 0, 0]).raw(4, [0, 0, 0, 0])).contains("in two fields"))
  }
}
