import Glibc

/// The bytes of a file, mapped read-only, or of an array, copied once. They stay where they are for the life of the object.
final class ModelBytes: @unchecked Sendable {
  let buffer: UnsafeRawBufferPointer
  private let isMapped: Bool

  /// Maps a regular file.
  /// - Throws: the reason as a sentence of the system.
  init(mapping path: String) throws(SystemFailure) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure.last }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw SystemFailure.last }
    guard status.st_mode & S_IFMT == S_IFREG else { throw SystemFailure(reason: "it is not a regular file") }
    isMapped = true
    guard status.st_size > 0 else {
      buffer = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = mmap(nil, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw SystemFailure.last }
    buffer = UnsafeRawBufferPointer(start: address, count: status.st_size)
  }

  init(copying bytes: [UInt8]) {
    isMapped = false
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    copy.copyBytes(from: bytes)
    buffer = UnsafeRawBufferPointer(copy)
  }

  deinit {
    if isMapped {
      if let start = buffer.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), buffer.count) }
    } else {
      buffer.deallocate()
    }
  }
}

/// What the system said when a file could not be used.
struct SystemFailure: Error {
  let reason: String
  static var last: SystemFailure { SystemFailure(reason: String(cString: strerror(errno))) }
}
