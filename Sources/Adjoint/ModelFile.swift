import Hashing
import ONNX

/// A model file, known by its content.
public struct ModelFile: Sendable {
  public let path: String
  /// Of the bytes of the ONNX file, followed by those of the files with its external data.
  public let sha256: String

  /// - Parameter pin: the SHA-256 that it must have.
  /// - Throws: `ModelError` when the file cannot be read or is no model; `FileError` when it is another than asked for.
  /// Cost: one pass of SHA-256.
  public init(_ path: String, pin: String? = nil) throws {
    self.path = path
    var hash = SHA256()
    do throws(ImportError) {
      for file in try modelFiles(path: path) { file.withBytes { hash.update($0) } }
    } catch { throw ModelError(path: path, cause: error) }
    sha256 = hash.hexDigest()
    if let pin, pin.lowercased() != sha256 {
      throw FileError("'\(path)' is another file than asked for: its SHA-256 is \(sha256), not \(pin)")
    }
  }
}
