import FoundationEssentials
import TensorTypes

/// Files of named tensors in the safetensors format: the length of a JSON header in 8 bytes, the header, then the elements,
/// all little-endian.
///
///     {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
public enum Safetensors {
  /// The most bytes of a header, as in the format's own reader.
  static let headerLimit = 100_000_000

  /// The tensors of the file at `path`, in the order of their elements.
  ///
  /// Element types F64, F32, F16, BF16 (which become f32), I64, I32 and BOOL; the member `__metadata__` is ignored.
  /// - Parameter limit: the most bytes that the file may have.
  /// - Throws: `ArrayFileError` naming the file and the tensor.
  public static func read(path: String, limit: Int = NPZ.defaultLimit) throws(ArrayFileError)
    -> [(name: String, tensor: HostTensor)]
  {
    try decode(readArrayFile(path, limit: limit), file: path)
  }

  /// The tensors of a file held in memory; `file` is what errors call it.
  public static func decode(_ bytes: [UInt8], file: String = "safetensors data") throws(ArrayFileError)
    -> [(name: String, tensor: HostTensor)]
  {
    func damaged(_ reason: String) -> ArrayFileError { .notSafetensors(file: file, reason: reason) }
    guard bytes.count >= 8 else { throw damaged("it has \(bytes.count) bytes") }
    let headerSize = bytes[...].littleEndian(at: 0, byteCount: 8)
    guard headerSize <= min(bytes.count - 8, headerLimit) else {
      throw damaged("its header would have \(headerSize) bytes, and the file has \(bytes.count)")
    }
    let header: [String: Entry]
    do {
      header = try JSONDecoder().decode([String: Entry].self, from: Data(bytes[8..<8 + headerSize]))
    } catch { throw damaged("its header is not the JSON of such a file") }
    let elements = bytes[(8 + headerSize)...]
    let entries = header.filter { $0.key != "__metadata__" }
      .map { (name: $0.key, entry: $0.value) }
      .sorted { ($0.entry.dataOffsets?.first ?? 0, $0.name) < ($1.entry.dataOffsets?.first ?? 0, $1.name) }
    var tensors: [(name: String, tensor: HostTensor)] = []
    var end = 0
    for (name, entry) in entries {
      guard let dtype = entry.dtype, let extents = entry.shape, let offsets = entry.dataOffsets, offsets.count == 2 else {
        throw damaged("the tensor '\(name)' lacks dtype, shape or two data_offsets")
      }
      guard let type = ElementCode(rawValue: dtype) else {
        throw damaged("the tensor '\(name)' has elements \(dtype); \(ElementCode.accepted) are read")
      }
      guard let shape = Self.shape(extents, limit: elements.count) else {
        throw damaged("the tensor '\(name)' has the shape \(extents)")
      }
      guard offsets[0] == end, offsets[1] >= end, offsets[1] <= elements.count else {
        throw damaged(
          "the tensor '\(name)' lies at \(offsets[0]) to \(offsets[1]), where \(end) to \(elements.count) is left")
      }
      guard offsets[1] - end == shape.elementCount * type.byteCount else {
        throw damaged("the tensor '\(name)' has \(offsets[1] - end) bytes for the shape \(shape) of \(dtype)")
      }
      let own = elements[(elements.startIndex + end)..<(elements.startIndex + offsets[1])]
      tensors.append((name, type.tensor(own, shape: shape)))
      end = offsets[1]
    }
    guard end == elements.count else { throw damaged("\(elements.count - end) bytes at its end belong to no tensor") }
    return tensors
  }

  /// Nil for negative extents, and for more elements than the file has bytes.
  private static func shape(_ extents: [Int], limit: Int) -> Shape? {
    var count = 1
    for extent in extents {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
      guard extent >= 0, !overflow, product <= max(limit, 1) else { return nil }
      count = product
    }
    return extents.count <= 64 ? Shape(extents) : nil
  }

  /// What the header says about a tensor. `__metadata__`, whose members are texts, decodes as one without any.
  private struct Entry: Decodable {
    let dtype: String?
    let shape: [Int]?
    let dataOffsets: [Int]?

    private enum CodingKeys: String, CodingKey {
      case dtype, shape
      case dataOffsets = "data_offsets"
    }
  }

  private enum ElementCode: String, CaseIterable {
    case F64, F32, F16, BF16, I64, I32, BOOL

    static var accepted: String { allCases.map(\.rawValue).joined(separator: ", ") }

    var byteCount: Int {
      switch self {
      case .F64, .I64: 8
      case .F32, .I32: 4
      case .F16, .BF16: 2
      case .BOOL: 1
      }
    }

    func tensor(_ bytes: ArraySlice<UInt8>, shape: Shape) -> HostTensor {
      func words<Word: FixedWidthInteger>(_ type: Word.Type) -> [Word] {
        bytes.withUnsafeBytes { buffer in
          (0..<shape.elementCount).map {
            Word(littleEndian: buffer.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Word>.size, as: Word.self))
          }
        }
      }
      switch self {
      case .F64: return HostTensor(TensorType(.float64, shape), .double(words(UInt64.self).map(Double.init(bitPattern:))))
      case .F32: return HostTensor(shape, words(UInt32.self).map(Float.init(bitPattern:)))
      case .BF16: return HostTensor(shape, words(UInt16.self).map { Float(bitPattern: UInt32($0) << 16) })
      case .F16: return HostTensor(shape, words(UInt16.self).map { Float(Float16(bitPattern: $0)) })
      case .I64: return HostTensor(shape, words(Int64.self))
      case .I32: return HostTensor(TensorType(.int32, shape), .integer(words(Int32.self).map(Int64.init)))
      case .BOOL: return HostTensor(TensorType(.boolean, shape), .boolean(bytes.map { $0 != 0 }))
      }
    }
  }
}
