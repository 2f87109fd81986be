import Glibc

/// Files kept in a private directory under keys. When they exceed the byte limit, those longest unused are removed.
///
/// Files appear whole, by renaming, and are not flushed to the disk: whoever reads one has to find damage itself. A cache
/// that cannot be written is no error.
public struct FileCache: Sendable {
  public let directory: String
  public let byteLimit: Int

  /// Opens a directory, creating it with mode 0700 if it is missing.
  public init(directory: String, byteLimit: Int) throws(FileCacheError) {
    guard createDirectories(directory) else { throw .cannotCreate(path: directory, reason: lastSystemError()) }
    var status = stat()
    guard stat(directory, &status) == 0 else { throw .cannotCreate(path: directory, reason: lastSystemError()) }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .cannotCreate(path: directory, reason: "not a directory") }
    guard status.st_uid == geteuid() else { throw .foreignOwner(path: directory, owner: status.st_uid) }
    guard status.st_mode & 0o022 == 0 else {
      throw .writableByOthers(path: directory, mode: status.st_mode & 0o777)
    }
    self.directory = directory
    self.byteLimit = byteLimit
  }

  /// Where the file of a key is, if it is there, which then counts as just used.
  public func file(for key: String) -> String? {
    let path = path(of: key)
    return utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW) == 0 ? path : nil
  }

  /// Stores what `write` writes to a path with a mode. Returns where that is and what `write` returned, or nil when it could
  /// not be written.
  @discardableResult
  public func store<Result>(
    for key: String, by write: (_ path: String, _ mode: mode_t) throws -> Result
  ) -> (path: String, written: Result)? {
    let path = path(of: key)
    guard let written = try? write(path, 0o600) else { return nil }
    removeLongestUnused(keeping: path)
    return (path, written)
  }

  public func remove(_ key: String) { unlink(path(of: key)) }

  private static let ending = ".cached"
  private func path(of key: String) -> String { "\(directory)/\(key)\(Self.ending)" }

  private func removeLongestUnused(keeping kept: String) {
    var files: [(path: String, byteCount: Int, lastUse: timespec)] = []
    for name in directoryEntries(directory) {
      var status = stat()
      let path = "\(directory)/\(name)"
      guard lstat(path, &status) == 0 else { continue }
      if name.hasSuffix(Self.ending) {
        files.append((path, Int(status.st_size), status.st_mtim))
      } else if name.hasSuffix(AtomicFile.unfinishedEnding), status.st_mtim.tv_sec < time(nil) - 3600 {
        // A writer that was killed leaves its unfinished file behind.
        unlink(path)
      }
    }
    var total: Int = files.reduce(0) { $0 + $1.byteCount }
    files.sort { ($0.lastUse.tv_sec, $0.lastUse.tv_nsec) < ($1.lastUse.tv_sec, $1.lastUse.tv_nsec) }
    for file in files where total > byteLimit && file.path != kept {
      if unlink(file.path) == 0 { total -= file.byteCount }
    }
  }
}

/// Why a directory cannot serve as a cache. Code is loaded from it, so nobody else may write there.
public enum FileCacheError: Error, Equatable, Sendable, CustomStringConvertible {
  case cannotCreate(path: String, reason: String)
  case foreignOwner(path: String, owner: UInt32)
  case writableByOthers(path: String, mode: UInt32)

  public var description: String {
    switch self {
    case .cannotCreate(let path, let reason): "the cache '\(path)' could not be created: \(reason)"
    case .foreignOwner(let path, let owner): "the cache '\(path)' belongs to user \(owner), not to this user"
    case .writableByOthers(let path, let mode):
      "the cache '\(path)' can be written by others (mode \(String(mode, radix: 8))); use mode 700"
    }
  }
}
