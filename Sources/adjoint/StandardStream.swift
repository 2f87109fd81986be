import Adjoint
import Glibc

/// Standard output and standard error, written without a buffer.
enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  /// Writes all of the text. Control characters that a model may have brought along are spelt out.
  /// - Throws: `FileError` with the system's reason.
  func write(_ text: String) throws(FileError) {
    let isPlain = text.utf8.allSatisfy { $0 == 10 || ($0 >= 32 && $0 < 127) }
    try writeUnchanged(isPlain ? text : text.unicodeScalars.map(Self.spelling).joined())
  }

  private static func spelling(_ scalar: Unicode.Scalar) -> String {
    switch scalar.properties.generalCategory {
    case .control where scalar != "\n", .format, .lineSeparator, .paragraphSeparator:
      "\\u{\(String(scalar.value, radix: 16))}"
    default: String(scalar)
    }
  }

  /// Writes all of the text as it is.
  func writeUnchanged(_ text: String) throws(FileError) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw FileError(
          "cannot write to standard \(self == .output ? "output" : "error"): \(String(cString: strerror(errno)))")
      }
      bytes = bytes.dropFirst(count)
    }
  }

  func writeLine(_ line: String) throws(FileError) { try write(line + "\n") }
}
