import Adjoint
import ArgumentParser

/// How much an attack may take, and what it would.
struct BudgetOptions: ParsableArguments {
  @Flag(
    help: """
      Say of one image what the model sees in it, how it is preprocessed, what the attack costs, and how long the whole \
      call would take; then end, without attacking.
      """)
  var check = false
  @Option(
    help: ArgumentHelp(
      """
      The most working memory of programs: 500M, 2G. Fewer images then run together than by default; what does not fit is \
      refused.
      """, valueName: "limit"))
  var memory: MemoryLimit?

  @Option(
    help: ArgumentHelp(
      """
      After so many seconds of attacking what runs ends with what it has, and the rest is left out; the same call goes on.
      """, valueName: "seconds"))
  var time: Double?

  func validate() throws {
    if let time, !(time > 0) { throw ValidationError("--time is \(time); more than 0 seconds are accepted.") }
  }

  /// The programs of an artifact, or those of a model, within the limit of `--memory`.
  /// - Parameter batchIsGiven: whether the batch may not become smaller.
  func programs(
    _ artifact: ModelPrograms?, _ request: @autoclosure () throws -> ModelRequest, _ execution: ExecutionFlags,
    batchIsGiven: Bool
  ) throws -> ModelPrograms {
    if let artifact {
      try memory?.check(artifact)
      return artifact
    }
    return try memory?.programs(of: request(), execution.options, settled: batchIsGiven)
      ?? ModelPrograms(request(), execution.options)
  }

  /// The directory of results, which `--check` does not make.
  func directory(_ path: String) throws -> OutputDirectory {
    check ? OutputDirectory(unwritten: path) : try OutputDirectory(path)
  }

  func show(_ progress: ProgressBar, _ check: () throws -> AttackCheck) throws {
    progress.begin("checking", total: nil)
    let found = try check()
    progress.end()
    try StandardStream.output.writeLine(found.text)
  }
}

extension MemoryLimit: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
