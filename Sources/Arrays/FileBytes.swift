import Glibc

/// The bytes of a regular file.
func bytes(ofFile path: String, limit: Int) throws(ArrayFileError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw .unreadable(file: path, reason: String(cString: strerror(errno))) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw .unreadable(file: path, reason: String(cString: strerror(errno))) }
  guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(file: path, reason: "it is not a regular file") }
  let size = Int(status.st_size)
  guard size <= limit else { throw .tooLarge(file: path, bytes: size, limit: limit) }
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
  guard code == 0 else { throw .unreadable(file: path, reason: String(cString: strerror(code))) }
  return bytes
}
