import Hashing

/// What `inspect` says about an artifact.
public struct ArtifactInspection: Sendable, Encodable {
  public struct Program: Sendable, Encodable {
    public let name: String
    public let inputs: [Inspection.Port]
    public let outputs: [Inspection.Port]
    public let floatingPointOperations: Int
    public let arenaBytes: Int
  }

  public let path: String
  /// Of the whole file.
  public let sha256: String
  public let of: String
  public let processor: String
  public let modelSHA256: String
  public let batch: Int?
  public let interpreter: String?
  public let constantBytes: Int
  public let adjointVersion: String
  public let compiler: String
  public let programs: [Program]

  /// Reads the file; nothing of it is run.
  /// - Throws: `ArtifactError`, `FileError`.
  public init(path: String) throws {
    let artifact = try ModelPrograms(artifactAt: path).artifact()
    let (description, facts) = (artifact.description, artifact.description.model)
    self.path = path
    sha256 = SHA256.hexDigest(of: try readBytes(path))
    of = facts.of.rawValue
    processor = artifact.cpu.name
    modelSHA256 = facts.sha256
    batch = facts.classifier?.batch
    interpreter = facts.map?.interpreter.name
    constantBytes = artifact.family.constants.count
    adjointVersion = description.adjointVersion
    compiler = description.compiler
    programs = artifact.family.programs.map { program in
      Program(
        name: program.name, inputs: program.inputs.map { Inspection.Port($0.name, $0.type) },
        outputs: program.outputs.map { Inspection.Port($0.name, $0.type) },
        floatingPointOperations: program.floatingPointOperations, arenaBytes: program.arenaByteCount)
    }
  }

  /// One fact a line.
  public var text: String {
    var lines = [
      "artifact    \(path)", "SHA-256     \(sha256)",
      "programs    \(of)\(interpreter.map { " on \($0)" } ?? "")\(batch.map { " at batch \($0)" } ?? "") for \(processor)",
      "model       SHA-256 \(modelSHA256)", "written by  adjoint \(adjointVersion), \(compiler)",
      "constants   \(fixed(Double(constantBytes) / 1e6, 1)) MB",
    ]
    lines += programs.map { program in
      let cost = ProgramCost(
        name: program.name, floatingPointOperations: program.floatingPointOperations, arenaBytes: program.arenaBytes)
      return "program     \(cost.text); \(Inspection.Port.text(program.inputs)) -> \(Inspection.Port.text(program.outputs))"
    }
    return lines.joined(separator: "\n")
  }
}
