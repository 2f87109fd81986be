import Glibc

/// Regular files read in one piece.
public enum WholeFile {
  /// The bytes of a regular file of at most `limit` bytes; a file that shrinks meanwhile gives fewer.
  public static func read(_ path: String, limit: Int) throws(FileReadError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
    let size = Int(status.st_size)
    guard size <= limit else { throw .tooLarge(byteCount: size, limit: limit) }
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      while filled < size {
        let count = Glibc.read(descriptor, buffer.baseAddress! + filled, size - filled)
        if count < 0 && errno == EINTR { continue }
        if count < 0 { code = errno }
        guard count > 0 else { break }
        filled += count
      }
    }
    guard code == 0 else { throw .system(code: code) }
    return bytes
  }
}

/// Why a file could not be read.
public enum FileReadError: Error, Equatable, Sendable, CustomStringConvertible {
  case system(code: Int32)
  case notRegular
  case tooLarge(byteCount: Int, limit: Int)

  public var description: String {
    switch self {
    case .system(let code): String(cString: strerror(code))
    case .notRegular: "it is not a regular file"
    case .tooLarge(let byteCount, let limit): "it has \(byteCount) bytes; at most \(limit) are accepted"
    }
  }
}
