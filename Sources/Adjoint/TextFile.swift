import Files
import Glibc

/// The bytes of a regular file.
func readBytes(_ path: String, limit: Int = 1 << 33) throws(FileError) -> [UInt8] {
  do { return try WholeFile.read(path, limit: limit) } catch { throw FileError("cannot read '\(path)': \(error)") }
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

/// The lines of a UTF-8 text file of at most 64 MB.
public func textLines(of path: String) throws(FileError) -> [String] { try readLines(path) }

func fileExists(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0
}

/// What follows the last slash, without its extension.
public func baseName(_ path: String) -> String {
  let name = path.split(separator: "/").last.map(String.init) ?? path
  guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
  return String(name[..<dot])
}

/// The folder of a path, ending in a slash; empty for a plain name.
func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }
