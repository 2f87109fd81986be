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

  /// Compiles the programs if they are not, and writes them.
  /// - Throws: what compiling throws, `AtomicFileError`.
  public init(_ programs: ModelPrograms, writingTo path: String) throws {
    let artifact = try programs.artifact()
    self.path = path
    facts = artifact.description.model
    cpu = artifact.cpu.name
    (sha256, byteCount) = try artifact.withFileParts { parts, sha256 in
      // Damage by a power failure is found when the file is read.
      try AtomicFile.write(parts, to: path, flushes: false)
      return (sha256, parts.reduce(0) { $0 + $1.count })
    }
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
