import Adjoint
import ArgumentParser
import Attacks

struct AttackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attack",
    abstract: "Changes images so that the model sees another class; adv2 also keeps the heatmap.",
    discussion: """
      Writes DIR/<image>.npz, DIR/<image>.png (8 bits, within eps exactly), DIR/<image>.report.png and DIR/results.jsonl. \
      Images with a result of the same settings are skipped. \(artifactWarning)
      """)

  @Argument(help: "An ONNX file, or an artifact of step (or of pgdStep, for pgd).") var model: String
  @Argument(help: "PNG or JPEG files; all of the file that --targets names, if none is given.") var images: [String] = []
  @Option(help: "The class that the model shall see, by number or name.") var target: String?
  @Option(help: ArgumentHelp("A CSV file with the columns file and target, and optionally class.", valueName: "file"))
  var targets: String?
  @Option(help: "Images that run together; otherwise up to 8.") var batch: Int?
  @Option(name: [.customShort("o"), .long], help: ArgumentHelp("Where results are written.", valueName: "dir"))
  var output: String
  @Flag(help: "Attack only images that the model classifies as the column class of --targets says.") var onlyCorrect = false
  @Option(help: "Attack at most so many images.") var limit: Int?
  @Flag(help: "Attack finished images again.") var force = false
  @OptionGroup var attackOptions: AttackOptions
  @OptionGroup var file: FileOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var execution: ExecutionFlags

  func validate() throws {
    if let batch { try checkBatch(batch) }
    if attackOptions.untargeted {
      guard target == nil && targets == nil else { throw ValidationError("--untargeted goes without a target.") }
    } else {
      guard (target == nil) != (targets == nil) else { throw ValidationError("Give either --target or --targets.") }
    }
    if images.isEmpty && targets == nil { throw ValidationError("Missing expected argument '<images> ...'.") }
    if let limit, limit < 1 { throw ValidationError("--limit is \(limit); 1 or more is accepted.") }
    if onlyCorrect && targets == nil { throw ValidationError("--only-correct needs the column class of --targets.") }
  }

  func run() throws {
    let attack = attackOptions.attack
    let artifact = try file.artifact(
      at: model, needing: attack.graph, execution, given: modelOptions.given,
      repeated: [("batch", batch.map { "\($0)" }, \.batchText)] + attackOptions.repeated)
    let choice = try attackOptions.choice(artifact)
    let settings = attackOptions.settings(for: choice)
    if attackOptions.printConfig {
      return try StandardStream.output.write(attackOptions.configurationText(settings, choice.options))
    }
    let requests = try requests()
    let count = min(limit ?? requests.count, requests.count)
    let programs = try attackOptions.budget.programs(
      artifact,
      ModelRequest(
        ModelFile(model, pin: file.sha256), of: attack.graph, batch: batch ?? max(1, min(count, choice.usualBatch)),
        interpreter: choice, shapes: modelOptions.shapes, overrides: modelOptions.description),
      execution, batchIsGiven: batch != nil)
    var options = try attackOptions.jobOptions(execution)
    options.onlyCorrect = onlyCorrect
    options.limit = limit
    options.force = force
    let detectorPrograms = try options.detector?.maps.map {
      try ModelPrograms.ofMaps(
        $0, model: model, pin: file.sha256, batch: programs.batch, modelOptions, execution.options)
    }
    let job = try AttackJob(
      programs, settings: settings, options: options,
      output: try attackOptions.budget.directory(output),
      detectorPrograms: detectorPrograms ?? [])
    let progress = ProgressBar()
    defer { progress.end() }
    if let remark = job.remark { try progress.print(remark, to: .error) }
    if attackOptions.budget.check {
      guard let first = requests.first else { throw UsageError("there is no image to check") }
      return try attackOptions.budget.show(progress) { try job.check(first, images: count) }
    }
    let results = try job.run(requests) { try AttackProgress.show($0, progress) }
    progress.end()
    if results.records.count > 1 { try StandardStream.output.writeLine("\n" + AttackSummary(results.records).text) }
    if !results.failures.isEmpty {
      throw FileError("\(results.failures.count) of \(requests.count) images could not be attacked")
    }
  }

  private func requests() throws -> [AttackRequest] {
    if let targets { return try AttackRequest.read(targets, images: images) }
    return images.map { AttackRequest(path: $0, target: target) }
  }
}
