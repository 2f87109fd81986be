import Adjoint
import ArgumentParser
import Attacks
import Experiments

struct ExperimentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment",
    abstract: "Repeats tables and figures of the paper, and holds what comes out against its numbers.",
    discussion: """
      Attacks the first N correctly classified photos as evaluate does, each attack in a folder of its own below DIR/runs, \
      which experiments share, and writes to DIR/ID tables (CSV), all of the result (result.json, summary.txt) and pictures \
      (PNG). Orders and ratios carry over to other networks and photos, absolute values do not. What rests on an attack that \
      fails is written without it and says why, and the call ends with status 1. The same call goes on after an \
      interruption and gives the same bytes. --list shows the experiments.
      """)

  @Argument(
    help: """
      Experiments: \((ExperimentCatalogue.experiments.map(\.id)).joined(separator: ", ")); also as the paper writes them, T3 \
      or F9/F10.
      """)
  var ids: [String] = []
  @Flag(help: "Show all experiments, and do nothing else.") var list = false
  @Option(help: ArgumentHelp("An ONNX file, which stands where the paper has ResNet-50.", valueName: "file"))
  var model: String?
  @Option(help: ArgumentHelp("Another, which stands where it has DenseNet-169.", valueName: "file"))
  var secondModel: String?
  @Option(
    help: ArgumentHelp(
      "Photos: a folder with index.csv (file, class, and optionally target), or with a folder for each class.",
      valueName: "dir"))
  var data: String?
  @Option(
    name: .customShort("n", allowingJoined: false),
    help: "Attack the first so many of the photos that are classified correctly; otherwise all.")
  var shortLimit: Int?
  @Option(name: .customLong("n"), help: "The same as -n.") var limit: Int?
  @Option(help: "Attack only one half of the photos, dev or test, which each file's SHA-256 decides.") var split: Split?
  @Option(
    help: ArgumentHelp(
      """
      The columns to fill, with commas between them: grad, cam, mask, and rts with --rts-weights. The attack on mask takes \
      minutes for a photo; the others say that they were not run.
      """, valueName: "grad,cam,mask"))
  var interpreters = InterpreterColumns(PaperInterpreter.withoutWeights)
  @Option(help: ArgumentHelp("The trained weights of rts, a safetensors or ONNX file.", valueName: "file"))
  var rtsWeights: String?
  @Option(help: "How pixels become the input of rts: doubled (taken for models), 4 (x - 0.5), or imagenet, normalised.")
  var rtsInput: String?
  @Option(help: "Whose numbers attacks have: default, paper, or code (published with it).") var mode = AttackMode.default
  @Option(help: "Steps of every attack (of ADV² those of its second phase) in place of its own, for quick runs.") var steps:
    Int?
  @Option(help: "Steps of ADV² that keep no map, in place of its own.") var warm: Int?
  @Option(help: "The largest change of a value in [0, 1] (default: 0.031).") var eps: Fraction?
  @Option(help: "Decides, together with the image, the random numbers of attacks.") var seed: UInt64 = 0
  @Option(
    help: ArgumentHelp(
      """
      A file of interpreters, rts-weights, rts-input, mode, steps, warm, eps and seed, a line each: name = value. Options of \
      the call win over it.
      """, valueName: "file"))
  var config: String?
  @Option(help: "Photos that run together; otherwise up to 8.") var batch: Int?
  @Option(name: [.customShort("o"), .long], help: ArgumentHelp("Where results are written.", valueName: "dir"))
  var output: String?
  @OptionGroup var execution: ExecutionFlags

  func validate() throws {
    if list { return }
    guard !ids.isEmpty else { throw ValidationError("Name an experiment; --list shows them.") }
    if output == nil { throw ValidationError("Missing expected option -o.") }
    if let batch { try checkBatch(batch) }
    if let limit = limit ?? shortLimit, limit < 1 { throw ValidationError("-n is \(limit); 1 or more is accepted.") }
    try checkSteps(steps, warm: warm)
    if let eps, eps.value <= 0 || eps.value > 1 {
      throw ValidationError("--eps is \(eps); more than 0 up to 1 is accepted.")
    }
  }

  func run() throws {
    if list { return try StandardStream.output.writeLine(ExperimentCatalogue.text) }
    guard let output else { return }
    let experiments = try ExperimentCatalogue.experiments(named: ids)
    if let artifact = [model, secondModel].compactMap(\.self).first(where: isArtifact) {
      throw UsageError("'\(artifact)' is an artifact, of one interpreter; experiments take ONNX files")
    }
    var options = ExperimentJob.Options(model: try model.map { try ModelFile($0) }, data: data ?? "")
    options.secondModel = try secondModel.map { try ModelFile($0) }
    options.limit = limit ?? shortLimit
    options.split = split
    options.interpreters = interpreters.columns
    options.numbers.mode = mode
    options.numbers.steps = steps
    options.numbers.warm = warm
    options.numbers.eps = eps?.value
    options.numbers.seed = seed
    options.numbers.rtsWeights = rtsWeights
    options.numbers.rtsInput = rtsInput
    options.batch = batch
    options.execution = execution.options
    let job = try ExperimentJob(experiments, options, output: try OutputDirectory(output))
    let progress = ProgressBar()
    defer { progress.end() }
    let reports = try job.run { try show($0, progress) }
    progress.end()
    let incomplete = reports.filter { !$0.failures.isEmpty }
    for report in incomplete {
      for failure in report.failures { try StandardStream.error.writeLine("adjoint: \(report.id): \(failure)") }
    }
    if !incomplete.isEmpty { throw ExitCode(1) }
  }

  private func show(_ event: ExperimentJob.Event, _ progress: ProgressBar) throws {
    switch event {
    case .run(let run, let number, let total):
      try progress.print("run \(number) of \(total): \(run.network.rawValue) network, \(run.name)")
    case .leftOut(let run, let reason): try progress.print("\(run.name): left out: \(reason)", to: .error)
    case .failed(let run, let sentence): try progress.print("\(run.name): failed: \(sentence)", to: .error)
    case .calibrating(let done, let total):
      progress.begin("calibrating squeezers", total: total)
      progress.update(done)
    case .evaluation(.classifying(let done, let total)):
      progress.begin("classifying", total: total)
      progress.update(done)
    case .evaluation(.classified), .evaluation(.attack(.skipped)): break
    case .evaluation(.attack(let event)): try AttackProgress.show(event, progress)
    case .finished(let report):
      progress.end()
      try StandardStream.output.writeLine("\n" + report.text)
    }
  }
}

/// Interpreters of the paper with commas between them: grad,cam
struct InterpreterColumns: ExpressibleByArgument, CustomStringConvertible, Sendable {
  let columns: [PaperInterpreter]

  init(_ columns: [PaperInterpreter]) { self.columns = columns }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map {
      PaperInterpreter(rawValue: String($0))
    }
    columns = parts.compactMap(\.self)
    guard columns.count == parts.count, Set(columns).count == columns.count else { return nil }
  }

  var description: String { columns.map(\.rawValue).joined(separator: ",") }
  var defaultValueDescription: String { description }
}
