import Files
import Glibc
import Synchronization

/// Where the elements of a model's tensors are read from: the model's own bytes, and files in its folder.
///
/// A file of external data is mapped when first used, and stays mapped as long as the source lives.
final class ElementSource: Sendable {
  let model: ModelBytes
  private let directory: String?
  private let files = Mutex<[String: ModelBytes]>([:])

  init(_ model: ModelBytes, directory: String?) {
    self.model = model
    self.directory = directory
  }

  /// The file of external data that a model names; nil for one that importing would refuse.
  func file(at location: String) -> MappedFile? {
    (try? file(location) { .externalData(tensor: "", location: location, problem: $0) })?.file
  }

  /// The bytes of an external tensor.
  ///
  /// The file must be a regular file inside the model's folder, also once symbolic links are followed.
  func external(_ entries: [(key: String, value: String)], byteCount: Int, of tensor: String)
    throws(ImportError) -> UnsafeRawBufferPointer
  {
    func entry(_ key: String) -> String? { entries.first { $0.key == key }?.value }
    guard let location = entry("location"), !location.isEmpty else {
      throw .tensor(name: tensor, problem: "its external data names no file")
    }
    func fail(_ problem: String) -> ImportError { .externalData(tensor: tensor, location: location, problem: problem) }
    func number(_ key: String) throws(ImportError) -> Int? {
      guard let text = entry(key) else { return nil }
      guard let value = Int(text), value >= 0 else {
        throw fail("has the \(key) \(quoted(text)); a count of bytes is expected")
      }
      return value
    }
    let offset = try number("offset") ?? 0
    let length = try number("length") ?? byteCount
    guard length == byteCount else { throw fail("is said to hold \(length) bytes of it; its type takes \(byteCount)") }
    let file = try file(location, fail)
    guard offset <= file.buffer.count, byteCount <= file.buffer.count - offset else {
      throw fail("has \(file.buffer.count) bytes; \(byteCount) bytes from offset \(offset) on are needed")
    }
    return UnsafeRawBufferPointer(rebasing: file.buffer[offset..<(offset + byteCount)])
  }

  private func file(_ location: String, _ fail: (String) -> ImportError) throws(ImportError) -> ModelBytes {
    if let known = files.withLock({ $0[location] }) { return known }
    guard let directory else { throw fail("cannot be found, because the model was not read from a file") }
    guard !location.hasPrefix("/"), !location.split(separator: "/").contains("..") else {
      throw fail("is not a path inside the model's folder")
    }
    guard let folder = resolved(directory.isEmpty ? "." : directory) else { throw fail("has no readable folder") }
    guard let path = resolved(folder + "/" + location) else {
      throw fail("cannot be read: \(String(cString: strerror(errno)))")
    }
    guard path.hasPrefix(folder == "/" ? folder : folder + "/") else { throw fail("leads out of the model's folder") }
    do {
      let file = try ModelBytes(mapping: path)
      files.withLock { $0[location] = file }
      return file
    } catch {
      throw fail("cannot be read: \(error)")
    }
  }

  /// The absolute path without symbolic links; nil when it does not exist.
  private func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
