import Dispatch
import Glibc
import Synchronization

/// Files that appear whole or not at all.
public enum AtomicFile {
  /// Writes `bytes` to a temporary file beside `path`, flushes it to the disk and renames it to `path`.
  ///
  /// A reader sees the old file or the new one, never a part; when anything fails the temporary file is removed and the old
  /// file stays. A symbolic link is followed; a path that names a directory, device or pipe is refused.
  /// - Throws: `AtomicFileError` with the step that failed and the system's reason (disk full, read-only directory ...).
  public static func write(_ bytes: [UInt8], to path: String) throws(AtomicFileError) {
    _ = try bytes.withUnsafeBufferPointer { buffer throws(AtomicFileError) in
      try write([UnsafeRawBufferPointer(buffer)], to: path)
    }
  }

  /// Writes the parts, one after another, without copying them.
  /// - Parameters:
  ///   - mode: the permissions of a new file, of which the process's mask takes some away.
  ///   - flushes: whether the bytes are on the disk when this returns. A file that is not flushed can be damaged by a power
  ///     failure, and should be one whose damage is found.
  ///   - ending: what follows the parts, computed on another thread while they are written; nil calls the file off.
  /// - Returns: whether the file is there, which it is unless `ending` called it off.
  @discardableResult
  public static func write(
    _ parts: [UnsafeRawBufferPointer], to path: String, mode: mode_t = 0o666, flushes: Bool = true,
    ending: (() -> [UInt8]?)? = nil
  ) throws(AtomicFileError) -> Bool {
    let target = try resolved(path)
    let temporary = temporaryName(beside: target)
    let (descriptor, failure) = unfinished.withLock { paths in
      let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
      if descriptor >= 0 { paths.insert(temporary) }
      return (descriptor, errno)
    }
    defer { unfinished.withLock { _ = $0.remove(temporary) } }
    guard descriptor >= 0 else { throw AtomicFileError(path: path, step: .create, code: failure) }
    // Neither task touches what is the other's.
    nonisolated(unsafe) let (parts, ending) = (parts, ending)
    nonisolated(unsafe) var code: Int32 = 0
    nonisolated(unsafe) var end: [UInt8]? = []
    DispatchQueue.concurrentPerform(iterations: ending == nil ? 1 : 2) { task in
      if task == 0 {
        for part in parts where code == 0 { code = fill(descriptor, with: part) }
      } else {
        end = ending?()
      }
    }
    guard let end else {
      close(descriptor)
      unlink(temporary)
      return false
    }
    if code == 0 { code = end.withUnsafeBytes { fill(descriptor, with: $0) } }
    if code == 0, flushes, fsync(descriptor) != 0 { code = errno }
    guard code == 0 else {
      close(descriptor)
      unlink(temporary)
      throw AtomicFileError(path: path, step: .write, code: code)
    }
    // Some file systems report a full disk only here.
    guard close(descriptor) == 0, rename(temporary, target) == 0 else {
      let code = errno
      unlink(temporary)
      throw AtomicFileError(path: path, step: .rename, code: code)
    }
    return true
  }

  /// The temporary files that are being written.
  private static let unfinished = Mutex<Set<String>>([])

  /// Removes the temporary files that are being written and leaves, for a process that has to end at once. Whoever writes
  /// them waits for its end.
  public static func abandon(then leave: () -> Never) -> Never {
    unfinished.withLock { paths in
      for path in paths { unlink(path) }
      leave()
    }
  }

  /// Writes the text as UTF-8.
  public static func write(_ text: String, to path: String) throws(AtomicFileError) {
    try write(Array(text.utf8), to: path)
  }

  /// The file behind a symbolic link, or `path` itself when nothing is there yet.
  private static func resolved(_ path: String) throws(AtomicFileError) -> String {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT { return path }
      throw AtomicFileError(path: path, step: .create, code: errno)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw AtomicFileError(path: path, step: .create, code: EISDIR)
    default: throw AtomicFileError(path: path, step: .notRegular, code: 0)
    }
    guard let real = realpath(path, nil) else { throw AtomicFileError(path: path, step: .create, code: errno) }
    defer { free(real) }
    return String(cString: real)
  }

  /// A hidden name in the same directory, so that the rename stays within one file system.
  private static func temporaryName(beside path: String) -> String {
    let separator = path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex
    let suffix = String(UInt32.random(in: .min ... .max), radix: 36)
    // The file's own name is cut: with the suffix it must stay within the 255 bytes a name may have.
    return path[..<separator] + "." + path[separator...].prefix(40) + ".\(getpid())-\(suffix)\(unfinishedEnding)"
  }

  /// What the names of files that are being written end in.
  static let unfinishedEnding = ".partial"

  /// Appends the bytes to the file. Returns 0 or an error number.
  private static func fill(_ descriptor: Int32, with bytes: UnsafeRawBufferPointer) -> Int32 {
    // Pieces that stay in the processor's cache on their way: one write of 200 MB takes three times as long.
    let largestPiece = 1 << 18
    var written = 0
    while written < bytes.count {
      let piece = min(bytes.count - written, largestPiece)
      let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, piece)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return count < 0 ? errno : EIO }
      written += count
    }
    return 0
  }
}

/// A file that could not be written; nothing was changed at `path`.
public struct AtomicFileError: Error, Equatable, CustomStringConvertible {
  public enum Step: Sendable, Equatable { case create, write, rename, notRegular }

  public let path: String
  public let step: Step
  /// The system's error number; 0 when the path was refused before any system call failed.
  public let code: Int32

  public init(path: String, step: Step, code: Int32) {
    self.path = path
    self.step = step
    self.code = code
  }

  public var description: String {
    switch step {
    case .create: "cannot create '\(path)': \(reason)"
    case .write: "cannot write '\(path)': \(reason); the unfinished file was removed"
    case .rename: "cannot move the finished file to '\(path)': \(reason)"
    case .notRegular: "cannot write '\(path)': it is a device or a pipe, and only a regular file can be replaced in one step"
    }
  }

  /// The system's words for the error number.
  public var reason: String { String(cString: strerror(code)) }
}
