import Adjoint
import ArgumentParser
import Attacks

struct CompileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile",
    abstract: "Compiles a model into one file that run, explain and attack take in its place, without ONNX and C compiler.",
    discussion: artifactWarning)

  @Argument(help: "An ONNX file.") var model: String
  @Option(help: "What is computed: step holds all that attack and explain need, pgdStep PGD alone, map only explanations.")
  var of = DerivedGraph.forward
  @Option(help: "The interpreter of map, pgdStep and step: \(interpreterNames).") var interpreter = "cam"
  @Option(help: "Whose step against the interpreter: default, paper, or code (published with the paper).")
  var mode = AttackMode.default
  @Option(help: "What is taken for the derivative of ReLU in the map of --of map, as explain has it.")
  var derivative = "plain"
  @Option(help: "Of the ball that attacks stay in, and of their steps: linf or l2.") var norm = ThreatModel.Norm.linf
  @Option(help: "Squeezers that shall not tell attacks by step, with commas between them: \(Squeezer.accepted).")
  var evade: SqueezerList?
  @Option(help: "How --evade does so, as attack has it: direct, paper, both or code.") var evasion: EvasionForm?
  @Option(help: "Images in a batch.") var batch = 1
  @Option(name: [.customShort("o"), .long], help: ArgumentHelp("The file to write.", valueName: "file")) var output: String
  @OptionGroup var interpreterFlags: InterpreterFlags
  @OptionGroup var file: FileOptions
  @OptionGroup var modelOptions: ModelOptions
  @Option(help: "The processor to compile for, such as x86-64-v3; otherwise the best that this machine is.") var cpu: String?

  func validate() throws {
    try checkBatch(batch)
    guard evade == nil || of == .step else { throw ValidationError("--evade goes with --of step.") }
    guard evasion == nil || evade != nil else { throw ValidationError("--evasion goes with --evade.") }
    guard derivative == "plain" || of == .map else { throw ValidationError("--derivative goes with --of map.") }
  }

  func run() throws {
    let choice = InterpreterChoice(
      interpreter, mode: mode, derivative: derivative, options: interpreterFlags.options, norm: norm,
      evaded: evade?.squeezers ?? [], evasion: evasion)
    try choice.check()
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("compiling", total: nil)
    let request = ModelRequest(
      try ModelFile(model, pin: file.sha256), of: of, batch: batch, interpreter: choice,
      shapes: modelOptions.shapes, overrides: modelOptions.description)
    let compiled = try ArtifactFile(request, ExecutionOptions(cpu: cpu), writingTo: output)
    progress.end()
    try StandardStream.output.writeLine(compiled.text)
  }
}
