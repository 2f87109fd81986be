import Arrays
import Attacks
import Execution
import Files
import Images
import Interpreters
import TensorTypes

/// What all batches of a job have in common.
struct BatchContext {
  let driver: any BatchAttack
  let measurer: any MapMeasurer
  /// What asks the detector's questions.
  let scorer: (any ImageScorer)?
  let images: JobImages
  let trace: TraceFile?
  let settings: AttackRecord.Settings
  /// Whether an image that cannot be attacked gets a row instead of ending the job.
  let fails: Bool
  /// What names the node at fault for numbers that are not finite.
  let watch: WatchedRunner
}

extension AttackJob {
  /// An image of a batch, read again: what is not at work keeps no pixels.
  private struct Subject {
    let candidate: Candidate
    let levels: [UInt8]
    let target: Int
    let goal: MapGoal?
    let benign: Measurement
  }

  /// Attacks the images of one batch. Where that fails, each is attacked alone, which gives the same results, so that only
  /// those fail that are at fault.
  func attack(_ candidates: [Candidate], _ context: BatchContext, progress: (Int) throws -> Void) throws -> [ResultsRow] {
    do {
      return try attackTogether(candidates, context, progress: progress).map(ResultsRow.record)
    } catch let error where error.isAboutImage {
      if candidates.count > 1 { return try candidates.flatMap { try attack([$0], context, progress: progress) } }
      let named = context.watch.naming(error)
      guard context.fails else { throw named }
      let (name, path) = (candidates[0].name, candidates[0].request.path)
      return [.failure(AttackFailure(image: name, path: path, error: "\(named)"))]
    }
  }

  private func subjects(_ candidates: [Candidate], _ context: BatchContext) throws -> (AttackBatch, [Subject]) {
    let own = try candidates.map { try levels(of: $0.request.path) }
    let padding = model.batch - candidates.count
    let targets = candidates.map { $0.target ?? 0 }
    // Padded with repeats of the last.
    var batch = AttackBatch(
      shape: model.imageShape, levels: (own + Array(repeating: own[own.count - 1], count: padding)).flatMap(\.self),
      targets: targets + Array(repeating: targets[targets.count - 1], count: padding))
    let benign = try context.measurer.benign(batch)
    context.images.remember(zip(candidates, benign).map { ($0.name, $1.map) })
    let goals = try candidates.indices.map { index in
      try goal(candidates[index], target: targets[index], own[index], context)
    }
    if goals.contains(where: { $0 != nil }) {
      let maps = zip(goals, benign).map { $0?.map ?? $1.map }
      batch.mapTargets = maps + Array(repeating: maps[maps.count - 1], count: padding)
    }
    let subjects = candidates.indices.map { index in
      Subject(
        candidate: candidates[index], levels: own[index], target: targets[index], goal: goals[index], benign: benign[index])
    }
    return (batch, subjects)
  }

  private func goal(_ candidate: Candidate, target: Int, _ levels: [UInt8], _ context: BatchContext) throws -> MapGoal? {
    let shape = Shape(Array(map.shape.extents.dropFirst()))
    switch options.targetMap {
    case .benign: return nil
    case .patch:
      let own = map.ownShapes ?? [map.shape]
      let common = (height: shape[0] / own.count, width: shape[1])
      let map = own.flatMap { own in
        let patch = RandomPatch(height: own[1], width: own[2], seed: settings.seed, levels: levels)
        return MapPlaces(from: (own[1], own[2]), to: common).enlarged(patch.map)
      }
      return MapGoal(map: map, inside: map.map(RandomPatch.isInside), image: nil)
    case .otherClass:
      let other = try context.images.imageOfOtherClass(
        than: [candidate.label, target], for: candidate.name, seed: settings.seed, levels: levels)
      return MapGoal(map: other.map, inside: nil, image: other.image)
    case .file(let path): return MapGoal(map: try TargetMap.read(path, shape: shape), inside: nil, image: nil)
    }
  }

  private func attackTogether(_ candidates: [Candidate], _ context: BatchContext, progress: (Int) throws -> Void) throws
    -> [AttackRecord]
  {
    let start = ContinuousClock.now
    let measurer = context.measurer
    let (batch, subjects) = try subjects(candidates, context)
    context.trace?.images = candidates.map(\.name)
    let benign =
      subjects.map(\.benign) + Array(repeating: subjects[subjects.count - 1].benign, count: batch.count - subjects.count)
    let outcomes = try context.driver.attack(batch, benign: benign, progress: progress)

    func judge(_ x: [Float]) throws -> ([Measurement], classes: [Int]) {
      try measurer.judge(x, batch, benign: benign.map(\.map), isUntargeted: settings.isUntargeted)
    }
    let files = try outcomes.map { outcome throws(ImageError) in try model.image(outcome.result.levels).encodedPNG() }
    let decoded = try files.map { bytes throws(ImageError) in try Image(decoding: bytes) }
    let float = try judge(outcomes.flatMap(\.result.pixels))
    let judged = decoded.map { pixels(model.levels($0)) }
    let png = try judge(judged.flatMap(\.self))
    func detections(_ levels: [[UInt8]], _ measurements: [Measurement]) throws -> [[Detection]]? {
      guard let detector = options.detector else { return nil }
      return try context.scorer?.scores(levels.flatMap(\.self), own: measurements.map(\.probabilities))
        .map(detector.detections)
    }
    let detected = try detections(decoded.map(model.levels), png.0)
    var others: [(name: String, measurements: [Measurement], classes: [Int], detections: [[Detection]]?)] = []
    for (index, other) in (outcomes.first?.others ?? []).enumerated() {
      let levels = outcomes.map { $0.others[index].iterate.levels }
      let (measurements, classes) = try judge(pixels(levels.flatMap(\.self)))
      others.append((other.name, measurements, classes, try detections(levels, measurements)))
    }
    let threshold = MarkThreshold(interpreter: map.interpreter.name)
    let beside = try AttackControls(
      batch, benign: benign, targets: png.classes, adversarial: judged.flatMap(\.self),
      neighbours: try candidates.map { try context.images.neighbour(of: $0.name) }, threshold: threshold, measurer, settings)
    let jitter = try JitterControls.measured(
      batch, benign: benign, adversarial: judged.flatMap(\.self), measurer, seed: settings.seed)
    let seconds = (ContinuousClock.now - start).seconds
    let threads = options.threads ?? ThreadPool.usableProcessorCount

    var records: [AttackRecord] = []
    for (index, subject) in subjects.enumerated() {
      let (candidate, outcome) = (subject.candidate, outcomes[index])
      let origin = pixels(subject.levels)
      let (height, width) = (model.imageShape[2], model.imageShape[3])
      func judgement(_ measurement: Measurement, _ target: Int, _ detection: [Detection]? = nil) -> AttackRecord.Judgement {
        .init(
          measurement, benign: outcome.benign.map, target: target, goal: subject.goal, threshold: threshold,
          interpreters: map.interpreter.parts, detection: detection)
      }
      let target = png.classes[index]
      let record = AttackRecord(
        image: candidate.name, path: candidate.request.path, imageSHA256: candidate.imageSHA256, label: outcome.label,
        labelName: model.labels.name(outcome.label), labelProbability: outcome.benign.targetProbability,
        target: target, targetName: model.labels.name(target), benignMapStatus: outcome.benign.mapStatus,
        benignRawMapRange: [outcome.benign.rawRange.low, outcome.benign.rawRange.low + outcome.benign.rawRange.extent],
        step: outcome.result.step, passedCheck: outcome.passedCheck,
        float: judgement(float.0[index], float.classes[index]), png: judgement(png.0[index], target, detected?[index]),
        flow: outcome.result.flow, ssim: structuralSimilarity(origin, judged[index], height: height, width: width),
        perturbation: PerturbationNorms(judged[index], origin: origin),
        floatSSIM: structuralSimilarity(origin, outcome.result.pixels, height: height, width: width),
        floatPerturbation: PerturbationNorms(outcome.result.pixels, origin: origin),
        targetMapImage: subject.goal?.image, cut: outcome.wasCut ? true : nil,
        others: others.enumerated().map { position, other in
          .init(
            name: other.name, step: outcome.others[position].iterate.step,
            png: judgement(other.measurements[index], other.classes[index], other.detections?[index]),
            flow: outcome.others[position].iterate.flow)
        },
        controls: beside.controls[index], originalClass: beside.originalClass[index], jitter: jitter?[index],
        sweeps: outcome.sweeps, comparisonSweeps: outcome.comparisonSweeps, seconds: options.times == nil ? seconds : nil,
        threads: options.times == nil ? threads : nil, settings: context.settings)
      let comparison = record.comparison.flatMap { named in others.first { $0.name == named.name }?.measurements[index] }
      let report = try attackReport(
        record, photo: model.image(subject.levels), adversarial: decoded[index], benign: outcome.benign,
        measured: png.0[index], comparison: comparison, mapShape: measurer.mapShape)
      try NPZ.write(
        arrays(record, origin, outcome, float.0[index], goal: subject.goal, measurer),
        to: output.file(candidate.name + ".npz"))
      try AtomicFile.write(files[index], to: output.file(candidate.name + ".png"))
      try AtomicFile.write(try report.rendered().encodedPNG(), to: output.file(candidate.name + ".report.png"))
      records.append(record)
    }
    if let times = options.times {
      try appendText(
        records.map { CommaSeparated.line([$0.image, "\(seconds)", "\(threads)"]) }.joined(), to: times,
        startingWith: "image,batchSeconds,threads\n")
    }
    return records
  }

  private func arrays(
    _ record: AttackRecord, _ origin: [Float], _ outcome: AttackOutcome, _ measured: Measurement, goal: MapGoal?,
    _ measurer: any MapMeasurer
  ) -> [(String, HostTensor)] {
    let image = Shape([1] + model.imageShape.extents.dropFirst())
    let map = Shape(Array(map.shape.extents.dropFirst()))
    var arrays = [
      ("x", HostTensor(image, origin)), ("adversarial", HostTensor(image, outcome.result.pixels)),
      ("target", HostTensor(.scalar, [Int64(record.target)])), ("label", HostTensor(.scalar, [Int64(outcome.label)])),
      ("probabilities", HostTensor([measured.probabilities.count], measured.probabilities)),
      ("mapBenign", HostTensor(map, outcome.benign.map)), ("mapAdversarial", HostTensor(map, measured.map)),
    ]
    if let goal { arrays.append(("mapTarget", HostTensor(map, goal.map))) }
    if let mask = measurer.maskMeasurer { arrays.append(("jitter", mask.offsets)) }
    return arrays
  }

  var preprocessingWords: String {
    "\(model.preprocessing.words), \(model.resizeRule.words)" + (model.label.map { ", label \($0)" } ?? "")
  }

  /// - Throws: what encoding a detector throws.
  func recordedSettings() throws -> AttackRecord.Settings {
    let evaded = settings.schedule.objective.evaded
    var further = settings.furtherOptions(targetMap: options.targetMap)
    if !evaded.isEmpty { further["evasion"] = settings.schedule.objective.evasion.rawValue }
    further["detector"] = try options.detector?.digest()
    return AttackRecord.Settings(
      attack: settings.method.rawValue, interpreter: settings.schedule.interpreter,
      interpreterOptions: map.interpreter.options,
      mode: settings.schedule.mode.rawValue, eps: settings.method.isFlow ? nil : settings.threat.eps,
      alpha: settings.method.isFlow ? nil : settings.threat.alpha, smoothness: settings.schedule.flow?.smoothness,
      steps: settings.steps, warm: settings.method.keepsMap ? settings.warm : 0,
      coefficient: settings.schedule.coefficient, confidence: settings.confidence, compare: settings.comparesWithPGD,
      evaded: evaded.isEmpty ? nil : evaded, evasionWeight: evaded.isEmpty ? nil : settings.evasionWeight,
      seed: settings.seed, options: further, batch: model.batch,
      processor: programs.processor, preprocessing: preprocessingWords,
      modelSHA256: programs.facts.sha256, version: adjointVersion)
  }
}

extension AttackSettings {
  /// What records name where it is not as by default.
  fileprivate func furtherOptions(targetMap: TargetMap) -> [String: String] {
    var options: [String: String] = [:]
    if threat.norm != .linf { options["norm"] = threat.norm.rawValue }
    if isUntargeted { options["untargeted"] = "true" }
    if startsAtRandom { options["random-start"] = "true" }
    if restarts > 0 { options["restarts"] = "\(restarts)" }
    if stopsEarly { options["early-stop"] = "true" }
    if targetMap != .benign { options["target-map"] = targetMap.words }
    var usual =
      schedule.flow == nil
      ? AttackSchedule(interpreter: schedule.interpreter, mode: schedule.mode)
      : AttackSchedule(flow: schedule.interpreter, mode: schedule.mode)
    usual.steps = schedule.steps
    usual.coefficient = schedule.coefficient
    if method.keepsMap, usual.objective.smoothsLabels != schedule.objective.smoothsLabels {
      options["label-smoothing"] = schedule.objective.smoothsLabels ? "sampled" : "none"
    }
    if method == .adv2, usual.finalAlpha != schedule.finalAlpha { options["final-alpha"] = "\(schedule.finalAlpha)" }
    if method.keepsMap, InterpreterChoice(schedule.interpreter).hasMask {
      let usual = MaskSchedule(mode: schedule.mode, isFlow: method.isFlow)
      if mask.resetInterval != usual.resetInterval { options["reset-interval"] = "\(mask.resetInterval)" }
      if let halvings = mask.halvings, halvings != usual.halvings { options["halvings"] = "\(halvings)" }
    }
    if method.keepsMap, usual.stagesText != schedule.stagesText { options["stages"] = schedule.stagesText }
    return options
  }
}

extension MarkThreshold {
  /// Maps of features are marked above 0.5, those of pixels, which have few large values, above their mean.
  init(interpreter: String) { self = ["cam", "grad-cam", "mask", "rts"].contains(interpreter) ? .value(0.5) : .mean }
}
