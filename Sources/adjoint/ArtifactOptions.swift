import Adjoint
import ArgumentParser
import Attacks

/// What every command that takes artifacts says about them.
let artifactWarning = """
  An artifact is a program: it runs with your rights. Run only what you built or trust; its hash finds damage, not malice.
  """

/// Which model or artifact is wanted.
struct FileOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The SHA-256 that the model or artifact must have.", valueName: "hex")) var sha256: String?

  func validate() throws {
    guard let sha256 else { return }
    guard sha256.count == 64, sha256.allSatisfy(\.isHexDigit) else {
      throw ValidationError("--sha256 is \(sha256); 64 hexadecimal digits are accepted.")
    }
  }

  /// The programs of a file that is an artifact; nil for a model.
  ///
  /// What an artifact says already, no option may say otherwise.
  /// - Parameters:
  ///   - needed: what it must have been compiled of, or more.
  ///   - given: options that never go with an artifact, and whether they were given.
  ///   - repeated: options that may repeat what the artifact says, as far as they were given.
  /// - Throws: `ArtifactError`, and `UsageError` naming the options.
  func artifact(
    at path: String, needing needed: DerivedGraph? = nil, _ execution: ExecutionFlags,
    given: [(name: String, isGiven: Bool)],
    repeated: [(name: String, value: String?, recorded: (ModelFacts) -> String?)] = []
  ) throws -> ModelPrograms? {
    guard isArtifact(path) else { return nil }
    let programs = try ModelPrograms(artifactAt: path, pin: sha256)
    if let needed { try programs.check(has: needed) }
    let refused = (given + [("reference", execution.reference)]).filter(\.isGiven).map { "--\($0.name)" }
    guard refused.isEmpty else {
      throw UsageError(
        "\(refused.joined(separator: ", ")): not beside '\(path)', an artifact, in which that is settled")
    }
    func check(_ name: String, _ value: String?, _ recorded: String?) throws(UsageError) {
      guard let value, let recorded, value != recorded else { return }
      throw UsageError("--\(name) is \(value), but '\(path)' was compiled for \(recorded)")
    }
    try check("cpu", execution.cpu, programs.processor)
    for option in repeated { try check(option.name, option.value, option.recorded(programs.facts)) }
    return programs
  }
}
