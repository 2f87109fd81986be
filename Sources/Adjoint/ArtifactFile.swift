import Files
import Programs

/// An artifact that was written to a file.
public struct ArtifactFile: Sendable {
  public let path: String
  /// Of the whole file.
  public let sha256: String
  public let byteCount: Int
  public let facts: ModelFacts
  public let cpu: String

  /// Writes the programs of a model, compiled if the cache does not hold them.
  /// - Throws: what importing and compiling throw, `AtomicFileError`.
  public init(_ request: ModelRequest, _ execution: ExecutionOptions, writingTo path: String) throws {
    let cached = try ModelPrograms.cached(request, execution, copyingTo: path)?.artifact()
    let artifact = try cached ?? ModelPrograms.imported(request, execution).artifact()
    self.path = path
    facts = artifact.description.model
    cpu = artifact.cpu.name
    (sha256, byteCount) = try cached?.fileIdentity ?? artifact.write(to: path)
  }

  /// What was written, on one line.
  public var text: String {
    var words = [facts.of.rawValue]
    if let map = facts.map { words.append("on \(map.interpreter.name)") }
    if let classifier = facts.classifier { words.append("at batch \(classifier.batch)") }
    return "\(path): \(words.joined(separator: " ")) for \(cpu), \(fixed(Double(byteCount) / 1e6, 1)) MB, SHA-256 \(sha256)"
  }
}

/// Whether a file is an artifact and no model, by how it begins.
public func isArtifact(_ path: String) -> Bool { beginsAsArtifact(path) }
