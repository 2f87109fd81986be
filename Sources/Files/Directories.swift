import Glibc

/// What the operating system says about the last failed call.
public func lastSystemError() -> String { String(cString: strerror(errno)) }

/// The names in a directory, sorted, without "." and "..".
public func directoryEntries(_ path: String) -> [String] {
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
