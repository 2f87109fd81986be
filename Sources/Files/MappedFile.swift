import Glibc

/// A regular file mapped for reading. Its pages are read when first touched, never copied, and shared between processes.
///
/// The bytes stay where they are for the life of the object. Whoever changes the file in place, instead of renaming another
/// over it, changes them too; whoever truncates it makes reading them fatal.
public final class MappedFile: @unchecked Sendable {
  /// Starts at a page boundary, and is there only as long as the object: for those who keep both, or ``withBytes(_:)``.
  public let bytes: UnsafeRawBufferPointer

  public init(_ path: String) throws(FileReadError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
    guard status.st_size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw .system(code: errno) }
    bytes = UnsafeRawBufferPointer(start: address, count: Int(status.st_size))
  }

  public func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes)
  }

  deinit {
    if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
  }
}
