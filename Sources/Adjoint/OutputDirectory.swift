import Glibc

/// The directory that results are written to.
public struct OutputDirectory: Sendable {
  public let path: String

  /// Creates the directory, and those above it, if it is missing.
  /// - Throws: `FileError` when it cannot be created or nothing can be written there.
  public init(_ path: String) throws(FileError) {
    self.path = path
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
      guard mkdir(made, 0o777) == 0 || errno == EEXIST || errno == EISDIR || errno == EROFS else {
        throw FileError("cannot create '\(made)': \(String(cString: strerror(errno)))")
      }
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw FileError("'\(path)' is no directory")
    }
    guard access(path, W_OK | X_OK) == 0 else {
      throw FileError("cannot write to '\(path)': \(String(cString: strerror(errno)))")
    }
  }

  /// A directory that nothing is written to.
  public init(unwritten path: String) { self.path = path }

  public func file(_ name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }

  /// One name for each image: the file's name without extension.
  /// - Parameters:
  ///   - extensions: of the files that will be written for each image.
  ///   - names: others than the files'.
  /// - Throws: `UsageError` when two images would write the same files, or one would overwrite an image.
  public func names(for images: [String], extensions: [String], names given: [String]? = nil) throws(UsageError) -> [String]
  {
    var owners: [String: String] = [:]
    let names = given ?? images.map(baseName)
    for (name, image) in zip(names, images) {
      if let other = owners[name] {
        throw UsageError(
          "'\(other)' and '\(image)' would both write \(file(name)).*; rename one, or attack them into different directories"
        )
      }
      owners[name] = image
    }
    let inputs = Set(images.compactMap(realPath))
    for name in names {
      for ending in extensions {
        if let target = realPath(file(name + ending)), inputs.contains(target) {
          throw UsageError("'\(file(name + ending))' would overwrite an input image; choose another directory with -o")
        }
      }
    }
    return names
  }
}

private func realPath(_ path: String) -> String? {
  guard let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(cString: resolved)
}
