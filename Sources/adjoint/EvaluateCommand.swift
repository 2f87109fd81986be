import Adjoint
import ArgumentParser
import Attacks

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures an attack on labelled photos: clean accuracy, then the attack on those classified correctly.",
    discussion: """
      Writes DIR/predictions.csv, for each attacked photo what attack writes, DIR/results.csv, DIR/summary.json and \
      DIR/summary.txt, and times apart from all of them in DIR/times.csv. The same call goes on after an interruption and \
      gives the same bytes. A condition of --fail-if that holds ends it with status 3. \(artifactWarning)
      """)

  @Argument(help: "An ONNX file, or an artifact of step (or of pgdStep, for pgd).") var model: String
  @Option(
    help: ArgumentHelp(
      """
      Photos: a folder with index.csv (file, class, and optionally target), or with a folder for each class. Targets that \
      no table names are drawn by --seed.
      """, valueName: "dir"))
  var data: String
  @Option(
    name: .customShort("n", allowingJoined: false), help: "Attack the first so many of the correctly classified photos.")
  var shortLimit: Int?
  @Option(name: .customLong("n"), help: "The same as -n.") var limit: Int?
  @Option(help: "Attack only one half of the photos, dev or test, which each file's SHA-256 decides.") var split: Split?
  @Option(
    name: .customLong("fail-if"),
    help: ArgumentHelp(
      "End with status 3 if a metric of summary.json is beyond a bound; may be given several times.",
      valueName: "joint>0.1"))
  var conditions: [String] = []
  @Option(help: "Photos that run together (8; fewer where there are fewer).") var batch: Int?
  @Option(name: [.customShort("o"), .long], help: ArgumentHelp("Where results are written.", valueName: "dir"))
  var output: String
  @Flag(help: "Attack finished photos again.") var force = false
  @OptionGroup var attackOptions: AttackOptions
  @OptionGroup var file: FileOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var execution: ExecutionFlags

  func validate() throws {
    if let batch { try checkBatch(batch) }
    if let limit = limit ?? shortLimit, limit < 1 { throw ValidationError("-n is \(limit); 1 or more is accepted.") }
  }

  func run() throws {
    let conditions = try conditions.map { words throws(UsageError) in try FailCondition(words) }
    let attack = attackOptions.attack
    let artifact = try file.artifact(
      at: model, needing: attack.graph, execution, given: modelOptions.given,
      repeated: [("batch", batch.map { "\($0)" }, \.batchText)] + attackOptions.repeated)
    let choice = try attackOptions.choice(artifact)
    let settings = attackOptions.settings(for: choice)
    if attackOptions.printConfig {
      return try StandardStream.output.write(attackOptions.configurationText(settings, choice.options))
    }
    let limit = limit ?? shortLimit
    let programs = try attackOptions.budget.programs(
      artifact,
      ModelRequest(
        ModelFile(model, pin: file.sha256), of: attack.graph, batch: batch ?? min(limit ?? 8, choice.usualBatch),
        interpreter: choice, shapes: modelOptions.shapes, overrides: modelOptions.description),
      execution, batchIsGiven: batch != nil)
    var options = EvaluateJob.Options()
    options.limit = limit
    options.split = split
    var attackJob = try attackOptions.jobOptions(execution)
    attackJob.force = force
    let detectorPrograms = try attackJob.detector?.maps.map {
      try ModelPrograms.ofMaps(
        $0, model: model, pin: file.sha256, batch: programs.batch, modelOptions, execution.options)
    }
    let job = try EvaluateJob(
      programs, settings: settings, data: data, options: options, attack: attackJob,
      output: try attackOptions.budget.directory(output),
      detectorPrograms: detectorPrograms ?? [])
    let progress = ProgressBar()
    defer { progress.end() }
    if let remark = job.remark { try progress.print(remark, to: .error) }
    if attackOptions.budget.check { return try attackOptions.budget.show(progress) { try job.check() } }
    let evaluation = try job.run { try show($0, progress) }
    progress.end()
    try StandardStream.output.writeLine("\n" + evaluation.text)
    try check(conditions, evaluation.metrics)
  }

  private func show(_ event: EvaluateJob.Event, _ progress: ProgressBar) throws {
    switch event {
    case .classifying(let done, let total):
      progress.begin("classifying", total: total)
      progress.update(done)
    case .classified(let clean, let chosen):
      for row in clean.rows {
        if let error = row.error { try progress.print("\(row.photo.file): left out: \(error)", to: .error) }
      }
      try progress.print(
        "clean accuracy \(clean.accuracy.count) of \(clean.readable) photos; \(chosen) of those are attacked")
    case .attack(let event): try AttackProgress.show(event, progress)
    }
  }

  private func check(_ conditions: [FailCondition], _ metrics: EvaluationMetrics) throws {
    var failed = false
    for condition in conditions {
      guard let value = metrics[condition.metric]?.value else {
        throw UsageError("--fail-if '\(condition.words)': no photo of this run has the metric \(condition.metric)")
      }
      guard condition.holds(value) else { continue }
      failed = true
      try StandardStream.error.writeLine("adjoint: \(condition.metric) is \(value), which fails: \(condition.words)")
    }
    if failed { throw ExitCode(3) }
  }
}

extension Split: ExpressibleByArgument {}
