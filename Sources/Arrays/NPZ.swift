import Files
import TensorTypes

/// NumPy's `.npz`: a zip archive of `.npy` members, one for each named array.
public enum NPZ {
  /// The most bytes that a file may unpack to unless the caller says otherwise: 8 GiB.
  public static let defaultLimit: Int = 1 << 33

  /// The arrays of the file at `path`, in the archive's order.
  ///
  /// Stored and deflated members are read, zip64 included; every member's CRC is checked. Elements `<f4 <f8 <i4 <i8 |b1`;
  /// an array in Fortran order is transposed into row-major order.
  /// - Parameter limit: the most bytes that the file, and all its members unpacked, may have.
  /// - Throws: `ArrayFileError` naming the file and the member.
  public static func read(path: String, limit: Int = defaultLimit) throws(ArrayFileError)
    -> [(name: String, tensor: HostTensor)]
  {
    try decode(readArrayFile(path, limit: limit), file: path, limit: limit)
  }

  /// The arrays of an archive held in memory; `file` is what errors call it.
  public static func decode(_ bytes: [UInt8], file: String = "npz data", limit: Int = defaultLimit)
    throws(ArrayFileError) -> [(name: String, tensor: HostTensor)]
  {
    let archive = ZipReader(bytes, file: file)
    let members = try archive.members()
    var unpacked = 0
    for member in members {
      let (sum, overflow) = unpacked.addingReportingOverflow(member.byteCount)
      guard !overflow, sum <= limit else { throw .tooLarge(file: file, bytes: overflow ? .max : sum, limit: limit) }
      unpacked = sum
    }
    var arrays: [(name: String, tensor: HostTensor)] = []
    var names: Set<String> = []
    for member in members {
      guard member.name.hasSuffix(".npy") else {
        throw .unexpectedMember(file: file, member: member.name)
      }
      let name = String(member.name.dropLast(4))
      guard names.insert(name).inserted else { throw .duplicateMember(file: file, member: name) }
      arrays.append((name, try NPY.decode(archive.contents(of: member), file: file, member: name)))
    }
    return arrays
  }

  /// Writes the arrays, in order, uncompressed: aside first, then renamed into place.
  /// - Throws: `ArrayFileError`: a name that is empty or given twice, an i32 tensor whose values do not fit, a file
  ///   that cannot be written.
  public static func write(_ arrays: [(String, HostTensor)], to path: String) throws(ArrayFileError) {
    let archive = try encode(arrays)
    do {
      try AtomicFile.write(archive, to: path)
    } catch {
      throw .unwritable(error)
    }
  }

  /// The archive as bytes, which depend on nothing but the arrays and their names.
  public static func encode(_ arrays: [(String, HostTensor)]) throws(ArrayFileError) -> [UInt8] {
    try encode(arrays, zip64From: ZipWriter.zip64Boundary)
  }

  static func encode(_ arrays: [(String, HostTensor)], zip64From boundary: Int) throws(ArrayFileError) -> [UInt8] {
    var names: Set<String> = []
    var writer = ZipWriter(zip64From: boundary)
    for (name, tensor) in arrays {
      guard (1...1000).contains(name.utf8.count), !name.utf8.contains(0) else { throw .invalidName(name) }
      guard names.insert(name).inserted else { throw .duplicateName(name) }
      writer.append(try NPY.encode(tensor, named: name), named: name + ".npy")
    }
    return writer.finished()
  }
}
