import Arrays
import Attacks
import Execution
import Files
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
  }

  private struct Candidate {
    let request: AttackRequest
    let name: String
    let target: Int
    let imageSHA256: String
    let levels: [UInt8]
    var benign: Measurement?
  }

  private let programs: ModelPrograms
  private let model: ClassifierInterface
  private let map: ModelFacts.MapFacts
  private let settings: AttackSettings
  private let options: Options
  private let output: OutputDirectory

  /// - Throws: `UsageError` for programs that are not those of the attack.
  public init(_ programs: ModelPrograms, settings: AttackSettings, options: Options, output: OutputDirectory)
    throws(UsageError)
  {
    self.programs = programs
    (model, map) = try programs.classifier(with: settings.method.graph)
    self.settings = settings
    self.options = options
    self.output = output
    let schedule = settings.schedule
    let compiled = map.interpreter
    guard compiled.name == schedule.interpreter, compiled.mode == schedule.mode,
      !settings.method.keepsMap || compiled.objective(of: settings.method.graph) == schedule.objective
    else {
      throw UsageError(
        "the programs are those of an attack on \(compiled.name) in mode \(compiled.mode.rawValue), and not on "
          + "\(schedule.interpreter) in mode \(schedule.mode.rawValue)")
    }
  }

  /// In a sentence what of the images the interpreter leaves out; nil where it takes all of them.
  public var remark: String? { programs.remark }

  static let endings = [".npz", ".png", ".report.png"]

  /// Attacks the images that have no result of the same settings yet.
  /// - Throws: the first error; results of finished batches stay.
  /// - Returns: the records of all images, also of those that were finished before, in the order of the requests.
  public func run(_ requests: [AttackRequest], events: (Event) throws -> Void = { _ in }) throws -> [AttackRecord] {
    let names = try output.names(for: requests.map(\.path), extensions: Self.endings)
    let targets = try requests.map { request throws(UsageError) in try model.labels.index(of: request.target) }
    var results = try ResultsFile(output.file("results.jsonl"))
    let recorded = recordedSettings()

    var finished: [String: AttackRecord] = [:]
    var open: [Candidate] = []
    for ((request, name), target) in zip(zip(requests, names), targets) {
      let hash = SHA256.hexDigest(of: try readBytes(request.path))
      if !options.force, let record = results.record(of: name), record.settings == recorded, record.target == target,
        record.imageSHA256 == hash, Self.endings.allSatisfy({ fileExists(output.file(name + $0)) })
      {
        finished[name] = record
        try events(.skipped(record))
        continue
      }
      let image = try model.photo(at: request.path)
      open.append(
        Candidate(request: request, name: name, target: target, imageSHA256: hash, levels: model.levels(image)))
    }

    let room = options.limit.map { max($0 - finished.count, 0) }
    if !open.isEmpty, room != 0 {
      try events(.compiling)
      let runner = map.runner(
        try programs.runner(threads: options.threads), imageShape: model.imageShape, seed: settings.seed)
      let measurer = try map.measurer(runner, imageShape: model.imageShape, seed: settings.seed)
      let driver = try driver(runner, measurer)
      let chosen = try classify(open, measurer, room: room, events)
      let batchCount = (chosen.count + model.batch - 1) / model.batch
      let neighbours = NeighbouringMaps(
        order: names.filter { name in finished[name] != nil || chosen.contains { $0.name == name } },
        maps: Dictionary(uniqueKeysWithValues: chosen.compactMap { image in image.benign.map { (image.name, $0.map) } }),
        mapShape: map.shape, output: output)
      try events(.attacking(images: chosen.count, steps: batchCount * driver.totalSteps))
      for first in 0..<batchCount {
        let part = Array(chosen.dropFirst(first * model.batch).prefix(model.batch))
        let records = try attack(part, driver, measurer, neighbours, recorded) {
          try events(.step(done: first * driver.totalSteps + $0))
        }
        try results.add(records)
        for record in records {
          finished[record.image] = record
          try events(.finished(record))
        }
      }
    }
    return names.compactMap { finished[$0] }
  }

  private func driver(_ runner: any GraphRunner, _ measurer: any MapMeasurer) throws -> any BatchAttack {
    if settings.method == .adv2, let measurer = measurer as? MaskMeasurer {
      return try MaskAttackDriver(runner, measurer: measurer, settings: settings)
    }
    return settings.method.isFlow
      ? FlowDriver(runner, measurer: measurer, mapSweeps: map.stepSweeps, settings: settings)
      : AttackDriver(runner, measurer: measurer, mapSweeps: map.stepSweeps, settings: settings)
  }

  // MARK: Batches

  /// The batch of some candidates, padded with repeats of the last.
  private func batch(_ candidates: [Candidate]) -> AttackBatch {
    let full =
      candidates + Array(repeating: candidates[candidates.count - 1], count: model.batch - candidates.count)
    return AttackBatch(shape: model.imageShape, levels: full.flatMap(\.levels), targets: full.map(\.target))
  }

  /// What the model makes of the unchanged images; drops those that are not to be attacked.
  /// - Throws: `UsageError` when an image already has its target as label.
  private func classify(
    _ candidates: [Candidate], _ measurer: any MapMeasurer, room: Int?, _ events: (Event) throws -> Void
  ) throws -> [Candidate] {
    var chosen: [Candidate] = []
    for first in stride(from: 0, to: candidates.count, by: model.batch) {
      if let room, chosen.count >= room { break }
      try events(.classifying(done: first, of: candidates.count))
      let part = Array(candidates.dropFirst(first).prefix(model.batch))
      for (candidate, benign) in zip(part, try measurer.benign(batch(part))) {
        if options.onlyCorrect, let label = candidate.request.label, label != benign.label {
          try events(.misclassified(image: candidate.name, label: model.labels.name(benign.label)))
          continue
        }
        guard benign.label != candidate.target else {
          throw UsageError(
            "the target of '\(candidate.request.path)' is \(model.labels.name(candidate.target)), "
              + "which is what the model sees already; choose another"
          )
        }
        var candidate = candidate
        candidate.benign = benign
        chosen.append(candidate)
      }
    }
    return room.map { Array(chosen.prefix($0)) } ?? chosen
  }

  private func attack(
    _ candidates: [Candidate], _ driver: any BatchAttack, _ measurer: any MapMeasurer, _ neighbours: NeighbouringMaps,
    _ recorded: AttackRecord.Settings, progress: (Int) throws -> Void
  ) throws -> [AttackRecord] {
    let start = ContinuousClock.now
    let batch = batch(candidates)
    let known = candidates.compactMap(\.benign)
    let benign = known + Array(repeating: known[known.count - 1], count: batch.count - known.count)
    let outcomes = try driver.attack(batch, benign: benign, progress: progress)

    func judge(_ x: [Float]) throws -> [Measurement] {
      try measurer.measure(x, shape: batch.shape, classes: batch.targets, benign: benign.map(\.map))
    }
    let files = try outcomes.map { outcome throws(ImageError) in try model.image(outcome.result.levels).encodedPNG() }
    let decoded = try files.map { bytes throws(ImageError) in try Image(decoding: bytes) }
    let float = try judge(outcomes.flatMap(\.result.pixels))
    let judged = decoded.flatMap { pixels(model.levels($0)) }
    let png = try judge(judged)
    var others: [(name: String, measurements: [Measurement])] = []
    for (index, other) in (outcomes.first?.others ?? []).enumerated() {
      others.append((other.name, try judge(outcomes.flatMap { pixels($0.others[index].iterate.levels) })))
    }
    let beside = try AttackControls(
      batch, benign: benign, adversarial: judged, neighbours: try candidates.map { try neighbours.neighbour(of: $0.name) },
      measurer, settings)
    let jitter = try JitterControls.measured(
      batch, benign: benign, adversarial: judged, measurer, seed: settings.seed)
    let seconds = (ContinuousClock.now - start).seconds

    var records: [AttackRecord] = []
    for (index, candidate) in candidates.enumerated() {
      let outcome = outcomes[index]
      func judgement(_ measurement: Measurement) -> AttackRecord.Judgement {
        .init(measurement, benign: outcome.benign.map, target: candidate.target)
      }
      let record = AttackRecord(
        image: candidate.name, path: candidate.request.path, imageSHA256: candidate.imageSHA256, label: outcome.label,
        labelName: model.labels.name(outcome.label), labelProbability: outcome.benign.targetProbability,
        target: candidate.target, targetName: model.labels.name(candidate.target),
        benignMapStatus: outcome.benign.mapStatus,
        benignRawMapRange: [outcome.benign.rawRange.low, outcome.benign.rawRange.low + outcome.benign.rawRange.extent],
        step: outcome.result.step, passedCheck: outcome.passedCheck, float: judgement(float[index]),
        png: judgement(png[index]), flow: outcome.result.flow,
        ssim: structuralSimilarity(
          pixels(candidate.levels), pixels(model.levels(decoded[index])), height: model.imageShape[2],
          width: model.imageShape[3]),
        others: others.enumerated().map { position, other in
          .init(
            name: other.name, step: outcome.others[position].iterate.step, png: judgement(other.measurements[index]),
            flow: outcome.others[position].iterate.flow)
        },
        controls: beside.controls[index], originalClass: beside.originalClass[index], jitter: jitter?[index],
        sweeps: outcome.sweeps,
        comparisonSweeps: outcome.comparisonSweeps, seconds: seconds,
        threads: options.threads ?? ThreadPool.usableProcessorCount, settings: recorded)
      let comparison = record.comparison.flatMap { named in others.first { $0.name == named.name }?.measurements[index] }
      let report = try attackReport(
        record, photo: model.image(candidate.levels), adversarial: decoded[index], benign: outcome.benign,
        measured: png[index], comparison: comparison, mapShape: measurer.mapShape)
      try NPZ.write(
        arrays(candidate, outcome, float[index], measurer), to: output.file(candidate.name + ".npz"))
      try AtomicFile.write(files[index], to: output.file(candidate.name + ".png"))
      try AtomicFile.write(try report.rendered().encodedPNG(), to: output.file(candidate.name + ".report.png"))
      records.append(record)
    }
    return records
  }

  private func arrays(_ candidate: Candidate, _ outcome: AttackOutcome, _ measured: Measurement, _ measurer: any MapMeasurer)
    -> [(String, HostTensor)]
  {
    let image = Shape([1] + model.imageShape.extents.dropFirst())
    let map = Shape(Array(measurer.mapShape.extents.dropFirst()))
    var arrays = [
      ("x", HostTensor(image, pixels(candidate.levels))), ("adversarial", HostTensor(image, outcome.result.pixels)),
      ("target", HostTensor(.scalar, [Int64(candidate.target)])), ("label", HostTensor(.scalar, [Int64(outcome.label)])),
      ("probabilities", HostTensor([measured.probabilities.count], measured.probabilities)),
      ("mapBenign", HostTensor(map, outcome.benign.map)), ("mapAdversarial", HostTensor(map, measured.map)),
    ]
    if let mask = measurer as? MaskMeasurer { arrays.append(("jitter", mask.offsets)) }
    return arrays
  }

  private func recordedSettings() -> AttackRecord.Settings {
    AttackRecord.Settings(
      attack: settings.method.rawValue, interpreter: settings.schedule.interpreter,
      interpreterOptions: map.interpreter.options,
      mode: settings.schedule.mode.rawValue, eps: settings.method.isFlow ? nil : settings.threat.eps,
      alpha: settings.method.isFlow ? nil : settings.threat.alpha, smoothness: settings.schedule.flow?.smoothness,
      steps: settings.steps, warm: settings.method.keepsMap ? settings.warm : 0,
      coefficient: settings.schedule.coefficient, confidence: settings.confidence, compare: settings.comparesWithPGD,
      seed: settings.seed, batch: model.batch, processor: programs.processor,
      preprocessing: "\(model.preprocessing.words), \(model.resizeRule.words)", modelSHA256: programs.facts.sha256,
      version: adjointVersion)
  }
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double { Double(components.seconds) + 1e-18 * Double(components.attoseconds) }
}

extension ResizeRule {
  fileprivate var words: String {
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
