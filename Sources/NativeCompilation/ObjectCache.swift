import FoundationEssentials
import Glibc
import Hashing

/// Why a directory cannot serve as a cache of objects. Code is loaded from it, so nobody else may write there.
public enum ObjectCacheError: Error, Equatable, Sendable, CustomStringConvertible {
  case noHome
  case cannotCreate(path: String, reason: String)
  case foreignOwner(path: String, owner: UInt32)
  case writableByOthers(path: String, mode: UInt32)

  public var description: String {
    switch self {
    case .noHome:
      "no place for the object cache: neither XDG_CACHE_HOME nor HOME is an absolute path"
    case .cannotCreate(let path, let reason):
      "the object cache \(path) could not be created: \(reason)"
    case .foreignOwner(let path, let owner):
      "the object cache \(path) belongs to user \(owner), not to this user"
    case .writableByOthers(let path, let mode):
      "the object cache \(path) can be written by others (mode \(String(mode, radix: 8))); use mode 700"
    }
  }
}

/// Compiled objects kept on disk under the hash of what they were made from.
///
/// A file is an object followed by its SHA-256; a damaged file is removed and counts as absent. Files appear whole, by
/// renaming. When they exceed the byte limit, those longest unused are removed. A cache that cannot be written is no error.
public struct ObjectCache: Sendable {
  public let directory: String
  public let byteLimit: Int

  /// Opens a directory, creating it with mode 0700 if it is missing.
  public init(directory: String, byteLimit: Int = 2 << 30) throws(ObjectCacheError) {
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

  /// The cache of this user: `$XDG_CACHE_HOME/adjoint/objects` or `~/.cache/adjoint/objects`.
  public static func standard(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ObjectCacheError) -> ObjectCache {
    if let root = environment["XDG_CACHE_HOME"], root.hasPrefix("/") {
      return try ObjectCache(directory: "\(root)/adjoint/objects")
    }
    guard let home = environment["HOME"], home.hasPrefix("/") else { throw .noHome }
    return try ObjectCache(directory: "\(home)/.cache/adjoint/objects")
  }

  /// A key that differs whenever one of the fields does.
  public static func key(for fields: [String]) -> String {
    var hash = SHA256()
    for field in fields {
      let bytes = Array(field.utf8)
      withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update($0) }
      hash.update(bytes)
    }
    return hash.hexDigest()
  }

  /// The object stored under a key, which then counts as just used.
  public func object(for key: String) -> [UInt8]? {
    let path: String = path(of: key)
    guard let bytes = readFile(path) else { return nil }
    let object = Array(bytes.dropLast(SHA256.digestByteCount))
    guard bytes.count >= SHA256.digestByteCount, SHA256.digest(of: object) == bytes.suffix(SHA256.digestByteCount) else {
      unlink(path)
      return nil
    }
    utimensat(AT_FDCWD, path, nil, 0)
    return object
  }

  /// Stores an object. Says whether it is there now.
  @discardableResult
  public func store(_ object: [UInt8], for key: String) -> Bool {
    let temporary: String = "\(directory)/\(key).\(getpid()).\(UInt32.random(in: 0 ... .max)).partial"
    guard createFile(temporary, object + SHA256.digest(of: object)), rename(temporary, path(of: key)) == 0 else {
      unlink(temporary)
      return false
    }
    removeLongestUnused(keeping: key)
    return true
  }

  private func path(of key: String) -> String { "\(directory)/\(key).object" }

  private func removeLongestUnused(keeping kept: String) {
    struct File {
      let path: String
      let byteCount: Int
      let lastUse: timespec
    }
    var files: [File] = []
    for name in directoryEntries(directory) where name.hasSuffix(".object") || name.hasSuffix(".partial") {
      var status = stat()
      guard lstat("\(directory)/\(name)", &status) == 0 else { continue }
      let file = File(path: "\(directory)/\(name)", byteCount: Int(status.st_size), lastUse: status.st_mtim)
      // A writer that was killed leaves its partial file behind.
      if name.hasSuffix(".partial"), file.lastUse.tv_sec < time(nil) - 3600 { unlink(file.path) } else { files.append(file) }
    }
    var total: Int = files.reduce(0) { $0 + $1.byteCount }
    files.sort { ($0.lastUse.tv_sec, $0.lastUse.tv_nsec) < ($1.lastUse.tv_sec, $1.lastUse.tv_nsec) }
    for file in files where total > byteLimit && file.path != path(of: kept) && file.path.hasSuffix(".object") {
      if unlink(file.path) == 0 { total -= file.byteCount }
    }
  }
}
