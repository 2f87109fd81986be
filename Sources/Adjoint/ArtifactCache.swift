import Files
import FoundationEssentials
import Programs

/// The artifacts of this user, under the hashes of what they were made from.
struct ArtifactCache: Sendable {
  private let files: FileCache

  init(directory: String, byteLimit: Int = 4 << 30) throws(FileCacheError) {
    files = try FileCache(directory: directory, byteLimit: byteLimit)
  }

  /// `$XDG_CACHE_HOME/adjoint/artifacts` or `~/.cache/adjoint/artifacts`; nil where that cannot be a private directory.
  static func standard(environment: [String: String] = ProcessInfo.processInfo.environment) -> ArtifactCache? {
    func absolute(_ name: String) -> String? { environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil } }
    guard let root = absolute("XDG_CACHE_HOME") ?? absolute("HOME").map({ $0 + "/.cache" }) else { return nil }
    return try? ArtifactCache(directory: "\(root)/adjoint/artifacts")
  }

  /// The artifact of a key, copied to a file on the way if one is named. A damaged one is removed and counts as absent.
  /// - Throws: `AtomicFileError` for the copy.
  func artifact(
    for key: String, copyingTo copy: String? = nil
  ) throws(AtomicFileError) -> Artifact<ArtifactDescription>? {
    guard let path = files.file(for: key) else { return nil }
    let artifact: Artifact<ArtifactDescription>?
    if let copy { artifact = try Artifact.copy(path, to: copy) } else { artifact = try? Artifact(contentsOf: path) }
    if artifact == nil { files.remove(key) }
    return artifact
  }

  /// Stores an artifact. Returns it with its constants in that file, or unchanged where it could not be stored.
  func store(_ artifact: Artifact<ArtifactDescription>, for key: String) -> Artifact<ArtifactDescription> {
    files.store(for: key) { try artifact.write(to: $0, mode: $1).sha256 }
      .flatMap { artifact.mapped(from: $0.path, sha256: $0.written) } ?? artifact
  }
}
