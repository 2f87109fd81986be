import Files

/// The constants of a family of programs, each at a multiple of 64 bytes.
public enum ConstantBytes: Sendable {
  case memory([UInt8])
  /// Part of a mapped file that starts at a multiple of 64 bytes, with at least 64 bytes of the file on both sides of it: they
  /// are read where they are.
  case file(MappedFile, Range<Int>)

  public var count: Int {
    switch self {
    case .memory(let bytes): bytes.count
    case .file(_, let range): range.count
    }
  }

  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch self {
    case .memory(let bytes):
      try bytes.withUnsafeBufferPointer { buffer throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
    case .file(let file, let range):
      try file.withBytes { bytes throws(Failure) in try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    }
  }
}
