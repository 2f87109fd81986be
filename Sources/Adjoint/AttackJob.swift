import Attacks
import Hashing
import IR
import Images
import Interpreters
import Passes
import TensorTypes

/// Attacks images of files and writes what comes out of it, batch by batch.
public struct AttackJob {
  public struct Options: Sendable {
    public var threads: Int?
    /// Attack only images whose `class` column is what the model says.
    public var onlyCorrect = false
    /// The most images to attack.
    public var limit: Int?
    /// Attack finished images again.
    public var force = false
    /// What the map is to become.
    public var targetMap = TargetMap.benign
    /// Seconds for all batches together: what runs then ends with what it has, and what has not begun is left out.
    public var seconds: Double?
    /// A CSV or JSON lines file of every iterate.
    public var trace: String?
    /// A CSV file that seconds and threads of each image are added to, instead of its record: records are then the same in
    /// every run.
    public var times: String?
    /// What is asked whether it tells the images that the attack, and PGD beside it, end with; the attack that evades its
    /// squeezers knows it.
    public var detector: AttackDetector?
    public init() {}
  }

  public enum Event: Sendable {
    case compiling
    case classifying(done: Int, of: Int)
    /// The model does not see what the image is labelled as.
    case misclassified(image: String, label: String)
    case attacking(images: Int, steps: Int)
    case step(done: Int)
    case skipped(AttackRecord)
    case finished(AttackRecord)
    /// An image of several that could not be attacked.
    case failed(AttackFailure)
    case timeIsOver(leftOut: Int)
  }

  /// Of all images of a job, in the order of the requests, also of those that were finished before.
  public struct Results: Sendable {
    public var records: [AttackRecord] = []
    public var failures: [AttackFailure] = []
  }

  struct Candidate {
    let request: AttackRequest
    let name: String
    /// Nil until it is drawn.
    var target: Int?
    let imageSHA256: String
    /// What the model sees.
    var label = 0
  }

  let programs: ModelPrograms
  private let detectorPrograms: [ModelPrograms]
  let model: ClassifierInterface
  let map: ModelFacts.MapFacts
  var settings: AttackSettings
  let options: Options
  let output: OutputDirectory

  /// - Parameter detectorPrograms: of each interpreter whose maps the detector compares.
  /// - Throws: `UsageError` for programs that are not those of the attack.
  public init(
    _ programs: ModelPrograms, settings: AttackSettings, options: Options, output: OutputDirectory,
    detectorPrograms: [ModelPrograms] = []
  ) throws(UsageError) {
    self.programs = programs
    self.detectorPrograms = detectorPrograms
    (model, map) = try programs.classifier(with: settings.method.graph)
    var settings = settings
    settings.detector = options.detector?.squeezeThresholds
    settings.mask.lookaheadSteps = map.interpreter.options.lookaheadStepCount
    self.settings = settings
    self.options = options
    self.output = output
    let schedule = settings.schedule
    let compiled = map.interpreter
    guard compiled.name == schedule.interpreter, compiled.mode == schedule.mode, compiled.norm == settings.threat.norm,
      !settings.method.keepsMap || compiled.objective(of: settings.method.graph) == schedule.objective
    else {
      throw UsageError(
        "the programs are those of an attack on \(compiled.name) in mode \(compiled.mode.rawValue) under "
          + "\(compiled.norm.rawValue), and not on \(schedule.interpreter) in mode \(schedule.mode.rawValue) under "
          + settings.threat.norm.rawValue)
    }
    try options.detector?.check(modelSHA256: programs.facts.sha256)
    let imageShape = model.imageShape
    guard detectorPrograms.count == options.detector?.maps?.count ?? 0,
      detectorPrograms.allSatisfy({ $0.facts.classifier?.imageShape == imageShape })
    else { throw UsageError("the detector compares maps, whose programs do not go with those of the attack") }
    guard options.targetMap == .benign || settings.method.keepsMap else {
      throw UsageError("--target-map goes with --attack adv2 and adv2-stadv, not with \(settings.method.rawValue)")
    }
    let objective = settings.schedule.objective
    if objective.evasion == .code, let unknown = objective.evaded.first(where: { self.settings.hingeMargin(of: $0) == nil })
    {
      throw UsageError(
        "--evasion code begins at 3/4 of a squeezer's threshold, and has none of \(unknown.name): give a --detector that has"
      )
    }
    let startsOnce = settings.method.isFlow || (settings.method == .adv2 && compiled.hasMask)
    let asked = [
      ("restarts", startsOnce && settings.restarts > 0), ("random-start", startsOnce && settings.startsAtRandom),
      ("norm l2", startsOnce && compiled.norm == .l2),
    ]
    if let option = asked.first(where: \.1)?.0 {
      throw UsageError("--\(option) does not go with --attack \(settings.method.rawValue) --interpreter \(compiled.name)")
    }
  }

  /// In a sentence what of the images the interpreter leaves out; nil where it takes all of them.
  public var remark: String? { programs.remark }
  public var labels: Labels { model.labels }

  static let endings = [".npz", ".png", ".report.png"]

  /// Attacks the images that have no result of the same settings yet. Of several images, one that cannot be attacked gets a
  /// line in results.jsonl that says why, and the others go on.
  /// - Throws: the first error of a single image, and whatever is not about images; results of finished batches stay.
  public func run(_ requests: [AttackRequest], events: (Event) throws -> Void = { _ in }) throws -> Results {
    let names = try output.names(
      for: requests.map(\.path), extensions: Self.endings, names: requests.map { $0.name ?? baseName($0.path) })
    var results = try ResultsFile(output.file("results.jsonl"))
    let recorded = try recordedSettings()
    var rows: [String: ResultsRow] = [:]
    /// What is wrong with one image of several is a row of its own.
    func attempt<Result>(_ request: AttackRequest, _ name: String, _ body: () throws -> Result) throws -> Result? {
      do { return try body() } catch let error where requests.count > 1 && error.isAboutImage {
        let failure = AttackFailure(image: name, path: request.path, error: "\(error)")
        rows[name] = .failure(failure)
        try results.add([.failure(failure)])
        try events(.failed(failure))
        return nil
      }
    }

    var open: [Candidate] = []
    for (request, name) in zip(requests, names) {
      let candidate = try attempt(request, name) {
        let imageSHA256 = SHA256.hexDigest(of: try readBytes(request.path))
        try options.detector?.check(imageAt: request.path, sha256: imageSHA256)
        return Candidate(
          request: request, name: name, target: try request.target.map { words in try model.labels.index(of: words) },
          imageSHA256: imageSHA256)
      }
      guard let candidate else { continue }
      if !options.force, let record = results.record(of: name), record.settings == recorded, record.cut != true,
        candidate.target == nil || record.target == candidate.target, record.imageSHA256 == candidate.imageSHA256,
        Self.endings.allSatisfy({ fileExists(output.file(name + $0)) })
      {
        rows[name] = .record(record)
        try events(.skipped(record))
      } else {
        open.append(candidate)
      }
    }

    let room = options.limit.map { max($0 - rows.values.count { $0.isRecord }, 0) }
    if !open.isEmpty, room != 0 {
      try events(.compiling)
      let watch = try programs.watchedRunner(threads: options.threads)
      let runner = try map.runner(watch, imageShape: model.imageShape, seed: settings.seed)
      let measurer = try map.measurer(runner, imageShape: model.imageShape, seed: settings.seed)
      var chosen: [Candidate] = []
      for (index, candidate) in open.enumerated() {
        if let room, chosen.count >= room { break }
        try events(.classifying(done: index, of: open.count))
        let known = try attempt(candidate.request, candidate.name) {
          try watch.naming { try classified(candidate, measurer) }
        }
        guard let known else { continue }
        if isMisclassified(known) {
          try events(.misclassified(image: known.name, label: model.labels.name(known.label)))
        } else {
          chosen.append(known)
        }
      }
      let images = JobImages(
        names.compactMap { name in
          if case .record(let record)? = rows[name] { return .init(name: name, path: record.path, label: record.label) }
          return chosen.first { $0.name == name }.map { .init(name: name, path: $0.request.path, label: $0.label) }
        }
      ) { try benignMap(ofImageAt: $0, measurer) }
      let scorer = try scorer(measurer)
      let trace = try options.trace.map { path throws(FileError) in try TraceFile(path) }
      let deadline = options.seconds.map { ContinuousClock.now + .seconds($0) }
      let isOver = { deadline.map { ContinuousClock.now >= $0 } ?? false }
      let driver = try driver(
        runner, measurer, AttackObserver(isOver: isOver, trace: trace.map { file in { try file.add($0) } }))
      let batchCount = (chosen.count + model.batch - 1) / model.batch
      try events(.attacking(images: chosen.count, steps: batchCount * driver.totalSteps))
      for first in 0..<batchCount {
        if isOver() {
          try events(.timeIsOver(leftOut: chosen.count - first * model.batch))
          break
        }
        let part = Array(chosen.dropFirst(first * model.batch).prefix(model.batch))
        let context = BatchContext(
          driver: driver, measurer: measurer, scorer: scorer, images: images, trace: trace, settings: recorded,
          fails: requests.count > 1, watch: watch)
        let finished = try attack(part, context) {
          try events(.step(done: first * driver.totalSteps + min($0, driver.totalSteps)))
        }
        try results.add(finished)
        for row in finished {
          rows[row.image] = row
          switch row {
          case .record(let record): try events(.finished(record))
          case .failure(let failure): try events(.failed(failure))
          }
        }
      }
    }
    try results.tidy()
    var all = Results()
    for name in names {
      switch rows[name] {
      case .record(let record)?: all.records.append(record)
      case .failure(let failure)?: all.failures.append(failure)
      case nil: break
      }
    }
    return all
  }

  func scorer(_ measurer: any MapMeasurer) throws -> (any ImageScorer)? {
    guard let detector = options.detector else { return nil }
    if detectorPrograms.isEmpty {
      return SqueezeScorer(measurer: measurer, squeezers: detector.squeezers, shape: model.imageShape)
    }
    let measurers = try detectorPrograms.map { try $0.measurer(threads: options.threads) }
    return DisagreementScorer(measurers: measurers, shape: model.imageShape)
  }

  func driver(_ runner: any GraphRunner, _ measurer: any MapMeasurer, _ observer: AttackObserver) throws
    -> any BatchAttack
  {
    if settings.method == .adv2, let joint = measurer as? JointMeasurer {
      var driver = try MaskAttackDriver(
        runner, joint: joint, mapSweeps: map.others?.sweeps ?? SweepCounts(), settings: settings)
      driver.observer = observer
      return driver
    }
    if settings.method == .adv2, let measurer = measurer as? MaskMeasurer {
      var driver = try MaskAttackDriver(runner, measurer: measurer, settings: settings)
      driver.observer = observer
      return driver
    }
    if settings.method.isFlow {
      let drawn = measurer.maskMeasurer == nil ? map.stepSweeps : map.others?.sweeps ?? SweepCounts()
      var driver = FlowDriver(runner, measurer: measurer, mapSweeps: drawn, settings: settings)
      driver.observer = observer
      return driver
    }
    var driver = AttackDriver(runner, measurer: measurer, mapSweeps: map.stepSweeps, settings: settings)
    driver.observer = observer
    return driver
  }

  // MARK: Unchanged images

  /// The candidate with what the model sees in it, and a target drawn where it has none.
  /// - Throws: `UsageError` when an image already has its target as label.
  func classified(_ candidate: Candidate, _ measurer: any MapMeasurer) throws -> Candidate {
    var candidate = candidate
    let levels = try levels(of: candidate.request.path)
    candidate.label = try measurer.labels(pixels(repeated(levels)), shape: model.imageShape)[0]
    if isMisclassified(candidate) { return candidate }
    if settings.isUntargeted {
      candidate.target = candidate.label
    } else if candidate.target == nil {
      candidate.target = RandomTarget.targetClass(
        label: candidate.label, classCount: model.labels.classCount, seed: settings.seed, levels: levels)
    } else if candidate.target == candidate.label {
      throw UsageError(
        "the target of '\(candidate.request.path)' is \(model.labels.name(candidate.label)), "
          + "which is what the model sees already; choose another"
      )
    }
    return candidate
  }

  /// Whether the model does not see an image as it is labelled, and it is to be left out for that.
  private func isMisclassified(_ candidate: Candidate) -> Bool {
    options.onlyCorrect && candidate.request.label.map { $0 != candidate.label } ?? false
  }

  func levels(of path: String) throws -> [UInt8] { model.levels(try model.photo(at: path)) }

  /// A batch of one image.
  func repeated(_ levels: [UInt8]) -> [UInt8] { (0..<model.batch).flatMap { _ in levels } }

  private func benignMap(ofImageAt path: String, _ measurer: any MapMeasurer) throws -> [Float] {
    let batch = AttackBatch(
      shape: model.imageShape, levels: repeated(try levels(of: path)), targets: Array(repeating: 0, count: model.batch))
    return try measurer.benign(batch)[0].map
  }
}

extension ResultsRow {
  fileprivate var isRecord: Bool { if case .record = self { true } else { false } }
}

extension Error {
  /// Whether it is one image that is wrong, and not the job or the system.
  var isAboutImage: Bool {
    switch self {
    case is ImageError, is AttackError, is NonFiniteError, is UsageError: true
    case let error as FileError: !error.description.contains("cannot write")
    default: false
    }
  }
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double { Double(components.seconds) + 1e-18 * Double(components.attoseconds) }
}

extension ResizeRule {
  var words: String {
    switch self {
    case .shorterSide(let side, let interpolation): "shorter side \(side) \(interpolation.rawValue), centre"
    case .exact(let interpolation): "exact \(interpolation.rawValue)"
    }
  }
}

extension Preprocessing {
  /// All members on one line.
  var words: String {
    "range \(range), mean \(mean), std \(std), \(channelOrder.rawValue), \(layout.rawValue)"
  }
}
