import Attacks
import Files

/// Measures an attack on labelled photos: clean accuracy first, then the attack on those that the model classifies
/// correctly.
///
/// Deterministic: interrupted and started again it writes the same bytes, but for times.csv.
public struct EvaluateJob {
  public struct Options: Sendable {
    /// The most photos to attack.
    public var limit: Int?
    /// Attack only this half.
    public var split: Split?
    public init() {}
  }

  public enum Event: Sendable {
    case classifying(done: Int, of: Int)
    /// The accuracy, and what was asked for of the correct photos.
    case classified(CleanPredictions, chosen: Int)
    case attack(AttackJob.Event)
  }

  private let programs: ModelPrograms
  private let settings: AttackSettings
  private let job: AttackJob
  private let data: EvaluationData
  private let options: Options
  private let output: OutputDirectory
  private let threads: Int?

  /// - Parameters:
  ///   - data: a folder, or its table.
  ///   - detectorPrograms: of each interpreter whose maps the attack's detector compares.
  /// - Throws: `FileError`, `UsageError`.
  public init(
    _ programs: ModelPrograms, settings: AttackSettings, data: String, options: Options, attack: AttackJob.Options,
    output: OutputDirectory, detectorPrograms: [ModelPrograms] = []
  ) throws {
    var attack = attack
    attack.onlyCorrect = true
    attack.times = output.file("times.csv")
    self.programs = programs
    self.settings = settings
    job = try AttackJob(programs, settings: settings, options: attack, output: output, detectorPrograms: detectorPrograms)
    self.data = try EvaluationData(data, labels: job.labels)
    self.options = options
    self.output = output
    threads = attack.threads
  }

  public var remark: String? { job.remark }

  /// What the evaluation would do and cost, by the first photo that can be read.
  public func check() throws -> AttackCheck {
    let readable = data.photos.first { (try? job.levels(of: $0.path)) != nil } ?? data.photos[0]
    let request = AttackRequest(path: readable.path, target: settings.isUntargeted ? nil : readable.target)
    return try job.check(
      request, images: min(options.limit ?? data.photos.count, data.photos.count), photos: data.photos.count)
  }

  /// Writes predictions.csv and the hash of what it depends on, then what an attack writes, then results.csv, summary.json
  /// and summary.txt.
  /// - Throws: `FileError` when the model classifies no photo correctly; what stops an attack.
  public func run(events: (Event) throws -> Void = { _ in }) throws -> Evaluation {
    let clean = try cleanPredictions(events)
    let correct = clean.rows.filter { $0.isCorrect && (options.split == nil || $0.split == options.split) }
    let chosen = Array(correct.prefix(options.limit ?? correct.count))
    try events(.classified(clean, chosen: chosen.count))
    guard !chosen.isEmpty else {
      throw FileError(
        "the model classifies none of the \(clean.readable) readable photos correctly\(options.split.map { " in \($0)" } ?? ""); "
          + "check its preprocessing and classes")
    }
    let requests = chosen.map {
      AttackRequest(
        path: $0.photo.path, target: settings.isUntargeted ? nil : $0.photo.target, label: $0.photo.label,
        name: $0.photo.name)
    }
    let results = try job.run(requests) { try events(.attack($0)) }
    let evaluation = Evaluation(results, clean, split: options.split, preprocessing: job.preprocessingWords)
    try AtomicFile.write(evaluation.table, to: output.file("results.csv"))
    try AtomicFile.write(try jsonLine(evaluation.summary) + "\n", to: output.file("summary.json"))
    try AtomicFile.write(evaluation.text + "\n", to: output.file("summary.txt"))
    return evaluation
  }

  /// Those of an earlier call where nothing has changed on which they depend.
  private func cleanPredictions(_ events: (Event) throws -> Void) throws -> CleanPredictions {
    let model = job.model
    let facts = [
      programs.facts.sha256, programs.processor, "batch \(model.batch)", job.preprocessingWords, job.map.interpreter.name,
      adjointVersion,
    ]
    let known = KnownPredictions(data, facts: facts.joined(separator: "\n"), output: output)
    if let clean = known.read(data, model.labels) { return clean }
    try events(.attack(.compiling))
    let watch = try programs.watchedRunner(threads: threads)
    let runner = try job.map.runner(watch, imageShape: model.imageShape, seed: settings.seed)
    let measurer = try job.map.measurer(runner, imageShape: model.imageShape, seed: settings.seed)
    let clean = try CleanPredictions(data, model, measurer, watch) {
      try events(.classifying(done: $0, of: data.photos.count))
    }
    try known.write(clean, model.labels)
    return clean
  }
}
