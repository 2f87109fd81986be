import TensorTypes

extension ONNXTensor {
  /// The largest number of elements of a tensor: 2^31.
  static let elementLimit = 1 << 31

  /// The type of the tensor in a graph.
  /// - Throws: when the element type has no counterpart, or the shape is no shape.
  func type() throws(ImportError) -> TensorType {
    guard let type = element.elementType else {
      throw .tensor(
        name: name, problem: "it has elements of \(element.name); \(TensorElementCode.acceptedNames) are accepted")
    }
    guard dimensions.allSatisfy({ $0 >= 0 }), let shape = Shape(checking: dimensions.map(Int.init)) else {
      throw .tensor(name: name, problem: "\(dimensions) is no shape of at most 2^31 elements")
    }
    return TensorType(type, shape)
  }

  /// The elements in host memory; 16-bit floating-point elements are widened to f32 exactly.
  func hostTensor(from source: ElementSource) throws(ImportError) -> HostTensor {
    let type = try type()
    let count = type.shape.elementCount
    let storage = try storage(type, count, source)
    guard storage.count == count else {
      throw .tensor(name: name, problem: "it holds \(storage.count) elements; its shape \(type.shape) takes \(count)")
    }
    return HostTensor(type, storage)
  }

  private func storage(_ type: TensorType, _ count: Int, _ source: ElementSource) throws(ImportError) -> HostTensor.Storage {
    switch storage {
    case .absent: return try decode([], type)
    case .payload(let payload):
      let isExpected =
        switch payload.field {
        case .raw: true
        case .floats: element == .float32
        case .doubles: element == .float64
        }
      guard isExpected else { throw misplaced(payload.field == .floats ? "float_data" : "double_data") }
      let chunks = payload.ranges.map { UnsafeRawBufferPointer(rebasing: source.model.buffer[$0]) }
      let byteCount = chunks.reduce(0) { $0 + $1.count }
      guard byteCount == count * element.storedByteCount else {
        throw .tensor(
          name: name,
          problem:
            "it holds \(byteCount) bytes; its type \(element.name)\(type.shape) takes \(count * element.storedByteCount)")
      }
      return try decode(chunks, type)
    case .external(let entries):
      return try decode([source.external(entries, byteCount: count * element.storedByteCount, of: name)], type)
    case .int32(let elements):
      switch element {
      case .int32: return .integer(elements.map(Int64.init))
      case .boolean: return .boolean(elements.map { $0 != 0 })
      case .float16: return .float(elements.map { float(halfBits: UInt16(truncatingIfNeeded: $0)) })
      case .bfloat16: return .float(elements.map { float(bfloatBits: UInt16(truncatingIfNeeded: $0)) })
      default: throw misplaced("int32_data")
      }
    case .int64(let elements):
      guard element == .int64 else { throw misplaced("int64_data") }
      return .integer(elements)
    }
  }

  private func misplaced(_ field: String) -> ImportError {
    .tensor(name: name, problem: "elements of \(element.name) are not stored in \(field)")
  }

  /// Elements stored in little-endian order, one chunk behind the other.
  private func decode(_ chunks: [UnsafeRawBufferPointer], _ type: TensorType) throws(ImportError) -> HostTensor.Storage {
    switch element {
    case .float32: .float(loadAll(chunks) { Float(bitPattern: UInt32(littleEndian: $0)) })
    case .float16: .float(loadAll(chunks) { float(halfBits: UInt16(littleEndian: $0)) })
    case .bfloat16: .float(loadAll(chunks) { float(bfloatBits: UInt16(littleEndian: $0)) })
    case .float64: .double(loadAll(chunks) { Double(bitPattern: UInt64(littleEndian: $0)) })
    case .int32: .integer(loadAll(chunks) { Int64(Int32(littleEndian: $0)) })
    case .int64: .integer(loadAll(chunks) { Int64(littleEndian: $0) })
    default: .boolean(loadAll(chunks) { (byte: UInt8) in byte != 0 })
    }
  }
}

private func float(halfBits bits: UInt16) -> Float { Float(Float16(bitPattern: bits)) }
private func float(bfloatBits bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

/// Loads elements that need not be aligned.
@inline(__always)
private func loadAll<Stored: BitwiseCopyable, Element>(
  _ chunks: [UnsafeRawBufferPointer], _ convert: (Stored) -> Element
) -> [Element] {
  let width = MemoryLayout<Stored>.size
  let total = chunks.reduce(0) { $0 + $1.count / width }
  return [Element](unsafeUninitializedCapacity: total) { elements, count in
    for chunk in chunks {
      for offset in stride(from: 0, to: chunk.count - width + 1, by: width) {
        elements.initializeElement(at: count, to: convert(chunk.loadUnaligned(fromByteOffset: offset, as: Stored.self)))
        count += 1
      }
    }
  }
}

extension Shape {
  /// The shape, or nil when an extent is negative or the number of elements exceeds 2^31.
  init?(checking extents: [Int]) {
    var count = 1
    for extent in extents where extent > 0 {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= ONNXTensor.elementLimit else { return nil }
      count = product
    }
    guard extents.allSatisfy({ $0 >= 0 }) else { return nil }
    self.init(extents)
  }
}
