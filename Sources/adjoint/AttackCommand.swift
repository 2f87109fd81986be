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
  @Option(
    help: """
      pgd or adv2, which change pixels by at most eps, or stadv or adv2-stadv, which move them, and which no eps bounds.
      """)
  var attack = AttackSettings.Method.adv2
  @Option(help: "The interpreter whose map is kept: cam (taken for models), grad, or another that explain has.")
  var interpreter: String?
  @Option(help: "The class that the model shall see, by number or name.") var target: String?
  @Option(help: ArgumentHelp("A CSV file with the columns file and target, and optionally class.", valueName: "file"))
  var targets: String?
  @Option(help: "The largest change of a value in [0, 1].") var eps = Fraction(0.031)
  @Option(help: "The change in one step.") var alpha = Fraction(1, over: 255)
  @Option(
    help: """
      Steps of pgd (1000) or stadv (300), or of the second phase of adv2 (1200 against maps of features, 704 of pixels) or \
      adv2-stadv (600, 704).
      """)
  var steps: Int?
  @Option(
    help: """
      Steps that keep no map, ahead of the second phase of adv2 (400 against maps of features, 300 of pixels) or \
      adv2-stadv (200, 450).
      """)
  var warm: Int?
  @Option(
    help: """
      Weight of the map's loss: c, which grows to 2c, against maps of features, cam and grad-cam (5); that of the last \
      stage against maps of pixels (0.05; of adv2-stadv 0.2), whose other stages keep their proportion.
      """)
  var coefficient: Double?
  @Option(
    help: "Whose numbers apply where no option gives them: default (taken for models), paper, or code (published with it).")
  var mode: AttackMode?
  @Flag(help: "Print the numbers and where each comes from, and do nothing else.") var printConfig = false
  @Option(help: "Decides, together with the image, the random numbers of adv2 against grad, and of flows.") var seed:
    UInt64 = 0
  @Option(help: "Images that run together; otherwise up to 8.") var batch: Int?
  @Option(name: [.customShort("o"), .long], help: ArgumentHelp("Where results are written.", valueName: "dir"))
  var output: String
  @Flag(help: "Also run pgd, or stadv, on the same images, for comparison.") var compare = false
  @Flag(help: "Attack only images that the model classifies as the column class of --targets says.") var onlyCorrect = false
  @Option(help: "Attack at most so many images.") var limit: Int?
  @Flag(help: "Attack finished images again.") var force = false
  @OptionGroup var interpreterFlags: InterpreterFlags
  @OptionGroup var file: FileOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var execution: ExecutionFlags

  func validate() throws {
    if let batch { try checkBatch(batch) }
    guard (target == nil) != (targets == nil) else { throw ValidationError("Give either --target or --targets.") }
    if images.isEmpty && targets == nil { throw ValidationError("Missing expected argument '<images> ...'.") }
    guard eps.value > 0, eps.value <= 1 else {
      throw ValidationError("--eps is \(eps); more than 0 up to 1 is accepted.")
    }
    guard alpha.value > 0, alpha.value <= 1 else {
      throw ValidationError("--alpha is \(alpha); more than 0 up to 1 is accepted.")
    }
    if let steps, !(1...1_000_000).contains(steps) {
      throw ValidationError("--steps is \(steps); 1 to 1000000 are accepted.")
    }
    if let warm, !(0...1_000_000).contains(warm) {
      throw ValidationError("--warm is \(warm); 0 to 1000000 are accepted.")
    }
    if let coefficient, coefficient < 0 || !coefficient.isFinite {
      throw ValidationError("--coefficient is \(coefficient); 0 or more is accepted.")
    }
    guard !attack.isFlow || (eps.value == ThreatModel().eps && alpha.value == ThreatModel().alpha) else {
      throw ValidationError("--attack \(attack.rawValue) moves pixels, which --eps and --alpha do not bound.")
    }
    if let limit, limit < 1 { throw ValidationError("--limit is \(limit); 1 or more is accepted.") }
    if onlyCorrect && targets == nil { throw ValidationError("--only-correct needs the column class of --targets.") }
  }

  func run() throws {
    let artifact = try file.artifact(
      at: model, needing: attack.graph, execution, given: modelOptions.given,
      repeated: [
        ("interpreter", interpreter, { $0.map?.interpreter.name }),
        ("mode", mode?.rawValue, { $0.map?.interpreter.mode.rawValue }),
        ("batch", batch.map { "\($0)" }, \.batchText),
      ] + interpreterFlags.repeated)
    let choice =
      artifact?.facts.map?.interpreter
      ?? InterpreterChoice(interpreter ?? "cam", mode: mode ?? .default, options: interpreterFlags.options)
    try choice.check()
    let settings = AttackSettings(
      method: attack, threat: ThreatModel(eps: eps.value, alpha: alpha.value),
      schedule: attack.isFlow
        ? AttackSchedule(flow: choice.name, mode: choice.mode) : AttackSchedule(interpreter: choice.name, mode: choice.mode),
      steps: steps,
      warm: warm, coefficient: coefficient, comparesWithPGD: compare && attack.keepsMap, seed: seed)
    if printConfig { return try printConfiguration(settings, choice.options) }
    let requests = try requests()
    let programs =
      try artifact
      ?? ModelPrograms(
        ModelRequest(
          ModelFile(model, pin: file.sha256), of: attack.graph,
          batch: batch ?? max(1, min(limit ?? requests.count, requests.count, choice.usualBatch)), interpreter: choice,
          shapes: modelOptions.shapes, overrides: modelOptions.description),
        execution.options)
    var options = AttackJob.Options()
    options.threads = execution.threads
    options.onlyCorrect = onlyCorrect
    options.limit = limit
    options.force = force
    let job = try AttackJob(programs, settings: settings, options: options, output: try OutputDirectory(output))
    let progress = ProgressBar()
    defer { progress.end() }
    if let remark = job.remark { try progress.print(remark, to: .error) }
    let records = try job.run(requests) { try show($0, progress) }
    progress.end()
    if records.count > 1 { try StandardStream.output.writeLine("\n" + AttackSummary(records).text) }
  }

  private func printConfiguration(_ settings: AttackSettings, _ options: InterpreterOptions) throws {
    var lines = [
      ("attack", settings.method.rawValue, settings.method == .adv2 ? "default" : "option"),
      ("interpreter", settings.schedule.interpreter, settings.schedule.interpreter == "cam" ? "default" : "option"),
    ]
    if let flow = settings.schedule.flow {
      let unchanged = AttackSchedule(flow: settings.schedule.interpreter).flow?.configuration ?? []
      lines += zip(flow.configuration, unchanged).map {
        ($0.name, $0.value, $0.value == $1.value ? "default" : settings.schedule.mode.rawValue)
      }
    } else {
      lines += [
        ("eps", "\(settings.threat.eps)", settings.threat.eps == ThreatModel().eps ? "default" : "option"),
        ("alpha", "\(settings.threat.alpha)", settings.threat.alpha == ThreatModel().alpha ? "default" : "option"),
      ]
    }
    lines += options.entries(of: settings.schedule.interpreter).map {
      ($0.name, $0.value, $0.isGiven ? "option" : "default")
    }
    if !settings.method.keepsMap {
      lines.append(("steps", "\(settings.steps)", steps == nil ? "default" : "option"))
    } else {
      lines += settings.schedule.configuration.map { ($0.field.rawValue, $0.value, $0.source) }
      if settings.schedule.interpreter == "mask" { lines += settings.mask.configuration(mode: settings.schedule.mode) }
    }
    let width = lines.map(\.0.count).max() ?? 0
    for (name, value, source) in lines {
      let padding = String(repeating: " ", count: width - name.count + 2)
      try StandardStream.output.writeLine("\(name)\(padding)\(value)  (\(source))")
    }
  }

  private func requests() throws -> [AttackRequest] {
    if let targets { return try AttackRequest.read(targets, images: images) }
    return images.map { AttackRequest(path: $0, target: target ?? "") }
  }

  private func show(_ event: AttackJob.Event, _ progress: ProgressBar) throws {
    switch event {
    case .compiling: progress.begin("compiling", total: nil)
    case .classifying(let done, let total):
      progress.begin("classifying", total: total)
      progress.update(done)
    case .misclassified(let image, let label): try progress.print("\(image): left out, the model sees \(label)", to: .error)
    case .attacking(_, let steps): progress.begin("attacking", total: steps)
    case .step(let done): progress.update(done)
    case .skipped(let record): try progress.print("\(verdict(record)) (finished before)")
    case .finished(let record): try progress.print(verdict(record))
    }
  }

  /// Label before and after with probabilities, map distance, and time: as measured from the decoded PNG.
  private func verdict(_ record: AttackRecord) -> String {
    let after =
      record.png.success
      ? "\(record.targetName) \(fixed(record.png.targetProbability, 3))"
      : "not \(record.targetName) (\(fixed(record.png.targetProbability, 3)))"
    let comparison =
      record.comparison.map {
        ", under \($0.name == "pgd.last" ? "PGD" : "stAdv") \(fixed($0.png.mapL1, 3))"
      } ?? ""
    let moved = record.flow.map { ", pixels moved by \(fixed($0.meanDisplacement, 2))" } ?? ""
    let blank = record.png.mapStatus == .blank ? " (blank map)" : ""
    return "\(record.image): \(record.labelName) \(fixed(record.labelProbability, 3)) -> \(after), "
      + "map distance \(fixed(record.png.mapL1, 3))\(blank)\(comparison)\(moved), \(fixed(record.seconds, 1)) s"
  }
}
