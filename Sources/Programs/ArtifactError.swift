import Files

/// Why a file is not used as an artifact.
public struct ArtifactError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Problem: Equatable, Sendable {
    case unreadable(FileReadError)
    case foreign
    case formatVersion(found: UInt64, accepted: UInt64)
    /// The file ends early, or goes on beyond its end.
    case byteCount(found: Int, expected: Int)
    case damaged
    /// It is whole, but not the file that was asked for.
    case pin(expected: String, found: String)
    case metadata(problem: String)
    case cpu(TargetCPUError)
  }

  public let path: String
  public let problem: Problem

  public init(path: String, problem: Problem) {
    self.path = path
    self.problem = problem
  }

  public var description: String {
    switch problem {
    case .unreadable(let error): "cannot read '\(path)': \(error)"
    case .foreign: "'\(path)' is no artifact of adjoint"
    case .formatVersion(let found, let accepted):
      "'\(path)' has version \(found) of the artifact format, and this version of adjoint reads version \(accepted); "
        + "compile the model again"
    case .byteCount(let found, let expected):
      "'\(path)' is damaged: it has \(found) bytes and should have \(expected == .max ? "more" : "\(expected)")"
    case .damaged: "'\(path)' is damaged: its bytes are not those that its SHA-256 was taken of"
    case .pin(let expected, let found): "'\(path)' is another file than asked for: its SHA-256 is \(found), not \(expected)"
    case .metadata(let problem): "the metadata of '\(path)' cannot be used: \(problem)"
    case .cpu(let error): "'\(path)' cannot run here: \(error)"
    }
  }
}
