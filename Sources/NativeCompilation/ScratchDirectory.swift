import Files
import Glibc

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
    do { return try WholeFile.read("\(path)/\(name)", limit: 1 << 32) } catch {
      throw .scratchFailed(path: "\(path)/\(name)", reason: error.description)
    }
  }
}
