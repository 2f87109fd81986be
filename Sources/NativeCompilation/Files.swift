import Glibc

/// What the operating system says about the last failed call.
func lastSystemError() -> String { String(cString: strerror(errno)) }

/// The bytes of a regular file; nil if it cannot be read, or is a symbolic link.
func readFile(_ path: String) -> [UInt8]? {
  let descriptor: Int32 = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
  var complete = true
  let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
    while count < buffer.count {
      let received: Int = read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
      if received < 0, errno == EINTR { continue }
      guard received > 0 else {
        complete = false
        return
      }
      count += received
    }
  }
  return complete ? bytes : nil
}

/// Creates a file of mode 0600 with these bytes; false, with `errno` set, if it exists or cannot be written whole.
func createFile(_ path: String, _ bytes: [UInt8]) -> Bool {
  let descriptor: Int32 = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
  guard descriptor >= 0 else { return false }
  var written: Int = 0
  while written < bytes.count {
    let count: Int = bytes.withUnsafeBytes { buffer in
      write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
    }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else {
      let reason: Int32 = errno
      close(descriptor)
      errno = reason
      return false
    }
    written += count
  }
  return close(descriptor) == 0
}

/// The names in a directory, sorted, without "." and "..".
func directoryEntries(_ path: String) -> [String] {
  guard let directory = opendir(path) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name: String = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// Creates a directory of mode 0700 and whatever is missing above it.
func createDirectories(_ path: String) -> Bool {
  if mkdir(path, 0o700) == 0 || errno == EEXIST { return true }
  guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return false }
  return createDirectories(String(path[..<slash])) && (mkdir(path, 0o700) == 0 || errno == EEXIST)
}

/// A private directory for the files of one compilation, removed with them when released.
final class ScratchDirectory {
  let path: String

  init(environment: [String: String]) throws(CompilationError) {
    let parent: String = environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp"
    guard let path = UnfinishedCompilations.creating("\(parent)/adjoint-XXXXXX") else {
      throw .scratchFailed(path: parent, reason: lastSystemError())
    }
    self.path = path
  }

  deinit {
    removeDirectory(path)
    UnfinishedCompilations.removed(path)
  }

  func write(_ text: String, to name: String) throws(CompilationError) {
    guard createFile("\(path)/\(name)", Array(text.utf8)) else {
      throw .scratchFailed(path: "\(path)/\(name)", reason: lastSystemError())
    }
  }

  func read(_ name: String) throws(CompilationError) -> [UInt8] {
    guard let bytes = readFile("\(path)/\(name)") else {
      throw .scratchFailed(path: "\(path)/\(name)", reason: lastSystemError())
    }
    return bytes
  }
}
