import Files
import Glibc

/// The bytes of a file, mapped read-only, or of an array, copied once. They stay where they are for the life of the object.
final class ModelBytes: @unchecked Sendable {
  let buffer: UnsafeRawBufferPointer
  /// The file, where the bytes are those of one.
  let file: MappedFile?

  /// Maps a regular file.
  init(mapping path: String) throws(FileReadError) {
    let file = try MappedFile(path)
    buffer = file.bytes
    self.file = file
  }

  init(copying bytes: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    copy.copyBytes(from: bytes)
    buffer = UnsafeRawBufferPointer(copy)
    file = nil
  }

  deinit {
    if file == nil { buffer.deallocate() }
  }
}
