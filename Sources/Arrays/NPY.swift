import TensorTypes

/// NumPy's `.npy`: a magic string, a header in the notation of a Python dictionary, and the elements.
public enum NPY {
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// NumPy writes headers of one or two hundred bytes.
  private static let longestHeader: Int = 1 << 16

  /// The array of the file at `path`.
  /// - Throws: `ArrayFileError` naming the file.
  public static func read(path: String, limit: Int = NPZ.defaultLimit) throws(ArrayFileError) -> HostTensor {
    try decode(readArrayFile(path, limit: limit)[...], file: path, member: path)
  }

  /// The array held in `bytes`: versions 1 to 3, elements `<f4 <f8 <i4 <i8 |b1`, Fortran order transposed to row-major.
  public static func decode(_ bytes: [UInt8], file: String = "npy data") throws(ArrayFileError) -> HostTensor {
    try decode(bytes[...], file: file, member: file)
  }

  static func decode(_ bytes: ArraySlice<UInt8>, file: String, member: String) throws(ArrayFileError) -> HostTensor {
    var bytes = bytes
    guard bytes.count >= 12, bytes.starts(with: magic) else { throw .notAnArray(file: file, member: member) }
    let version = Int(bytes[bytes.startIndex + 6])
    guard (1...3).contains(version) else { throw .unsupportedVersion(file: file, member: member, version: version) }
    let length = version == 1 ? bytes.littleEndian(at: 8, byteCount: 2) : bytes.littleEndian(at: 8, byteCount: 4)
    let start = version == 1 ? 10 : 12
    guard length <= longestHeader, length <= bytes.count - start else {
      throw .malformedHeader(
        file: file, member: member, expected: "a length of at most \(min(longestHeader, bytes.count - start))",
        found: "length \(length)")
    }
    bytes = bytes.dropFirst(start)
    var parser = NPYHeaderParser(bytes.prefix(length), file: file, member: member)
    let header = try parser.header()
    bytes = bytes.dropFirst(length)
    guard bytes.count == header.type.byteCount else {
      throw .wrongByteCount(file: file, member: member, expected: header.type.byteCount, found: bytes.count)
    }
    return tensor(header, bytes)
  }

  /// The bytes of a version 1 file, row-major, little-endian.
  /// - Parameter name: what errors call the tensor.
  /// - Throws: `ArrayFileError.integerOutOfRange` for an i32 tensor that holds a larger value.
  public static func encode(_ tensor: HostTensor, named name: String = "tensor") throws(ArrayFileError) -> [UInt8] {
    let extents = tensor.shape.extents
    let tuple = extents.count == 1 ? "(\(extents[0]),)" : "(" + extents.map(String.init).joined(separator: ", ") + ")"
    var header = Array("{'descr': '\(descr(tensor.type.element))', 'fortran_order': False, 'shape': \(tuple), }".utf8)
    // The elements start at a multiple of 64 bytes, so that they can be mapped and read with vector instructions.
    let version: UInt8 = header.count < 65_000 ? 1 : 2
    let prefix = version == 1 ? 10 : 12
    header += [UInt8](repeating: UInt8(ascii: " "), count: 63 - (prefix + header.count) % 64) + [UInt8(ascii: "\n")]
    var bytes = magic + [version, 0]
    bytes.reserveCapacity(prefix + header.count + tensor.type.byteCount)
    bytes.appendLittleEndian(header.count, byteCount: prefix - 8)
    bytes += header
    switch tensor.type.element {
    case .float32: tensor.floats.withUnsafeBytes { bytes += $0 }
    case .float64: tensor.doubles.withUnsafeBytes { bytes += $0 }
    case .int64: tensor.integers.withUnsafeBytes { bytes += $0 }
    case .boolean: bytes += tensor.integers.map { UInt8($0) }
    case .int32:
      let integers = tensor.integers
      if let index = integers.firstIndex(where: { Int32(exactly: $0) == nil }) {
        throw .integerOutOfRange(name: name, index: index, value: integers[index])
      }
      integers.map { Int32($0) }.withUnsafeBytes { bytes += $0 }
    }
    return bytes
  }

  private static func descr(_ element: ElementType) -> String {
    switch element {
    case .float32: "<f4"
    case .float64: "<f8"
    case .int32: "<i4"
    case .int64: "<i8"
    case .boolean: "|b1"
    }
  }

  private static func tensor(_ header: NPYHeader, _ bytes: ArraySlice<UInt8>) -> HostTensor {
    func elements<Element: BitwiseCopyable>(_ empty: Element) -> [Element] {
      let read = [Element](unsafeUninitializedCapacity: header.type.shape.elementCount) { buffer, count in
        bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
        count = header.type.shape.elementCount
      }
      return header.fortranOrder ? rowMajor(read, header.type.shape) : read
    }
    switch header.type.element {
    case .float32: return HostTensor(header.type, .float(elements(Float(0))))
    case .float64: return HostTensor(header.type, .double(elements(Double(0))))
    case .int32: return HostTensor(header.type, .integer(elements(Int32(0)).map { Int64($0) }))
    case .int64: return HostTensor(header.type, .integer(elements(Int64(0))))
    case .boolean: return HostTensor(header.type, .boolean(elements(UInt8(0)).map { $0 != 0 }))
    }
  }

  /// Column-major elements in row-major order.
  private static func rowMajor<Element>(_ elements: [Element], _ shape: Shape) -> [Element] {
    var reordered: [Element] = []
    reordered.reserveCapacity(elements.count)
    shape.forEachIndex { index in
      var offset = 0
      for axis in stride(from: shape.rank - 1, through: 0, by: -1) { offset = offset * shape[axis] + index[axis] }
      reordered.append(elements[offset])
    }
    return reordered
  }
}
