import Glibc

/// The bytes of a regular file.
func readBytes(_ path: String, limit: Int = 1 << 33) throws(FileError) -> [UInt8] {
  func unreadable(_ reason: String) -> FileError { FileError("cannot read '\(path)': \(reason)") }
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw unreadable(String(cString: strerror(errno))) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw unreadable(String(cString: strerror(errno))) }
  guard status.st_mode & S_IFMT == S_IFREG else { throw unreadable("it is no regular file") }
  let size = Int(status.st_size)
  guard size <= limit else { throw unreadable("it has \(size) bytes; at most \(limit) are accepted") }
  var code: Int32 = 0
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
    while filled < size {
      let count = read(descriptor, buffer.baseAddress! + filled, size - filled)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { code = errno }
      guard count > 0 else { break }
      filled += count
    }
  }
  guard code == 0 else { throw unreadable(String(cString: strerror(code))) }
  return bytes
}

/// The lines of a UTF-8 text file of at most 64 MB.
func readLines(_ path: String) throws(FileError) -> [String] {
  guard let text = String(validating: try readBytes(path, limit: 1 << 26), as: UTF8.self) else {
    throw FileError("'\(path)' is no UTF-8 text")
  }
  var lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
  if lines.last?.isEmpty == true { lines.removeLast() }
  return lines
}

func fileExists(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0
}

/// What follows the last slash, without its extension.
func baseName(_ path: String) -> String {
  let name = path.split(separator: "/").last.map(String.init) ?? path
  guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
  return String(name[..<dot])
}

/// The folder of a path, ending in a slash; empty for a plain name.
func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }
