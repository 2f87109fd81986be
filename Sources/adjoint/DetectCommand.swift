import Adjoint
import ArgumentParser
import Attacks

struct DetectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Tells attacks from photos by how much squeezing changes a prediction, or by how much heatmaps disagree.",
    discussion: """
      With -o, calibrates thresholds on at least 100 benign photos, so that 5 % of them exceed each, and writes them as \
      JSON. With --detector, judges images by such a file. An image of the model's own size is taken as it is, as attack \
      writes it; others are resized as photos are. \(artifactWarning)
      """)

  @Argument(help: "An ONNX file, or an artifact of map, pgdStep or step.") var model: String
  @Argument(help: "PNG or JPEG files.") var images: [String]
  @Option(help: ArgumentHelp("The detector to ask.", valueName: "file")) var detector: String?
  @Option(name: [.customShort("o"), .long], help: ArgumentHelp("Where a detector is written.", valueName: "file"))
  var output: String?
  @Option(help: "Squeezers of a new detector, with commas between them: \(Squeezer.accepted).")
  var squeezers = SqueezerList.usual
  @Option(
    help: ArgumentHelp(
      """
      A new detector that compares the maps of interpreters instead, two or more with commas between them: the mean over \
      pairs of 1 - rank correlation, on the coarsest map's grid. With mask it takes seconds for each image.
      """, valueName: "cam,grad"))
  var maps: String?
  @Option(help: "Images that run together; otherwise up to 8.") var batch: Int?
  @OptionGroup var file: FileOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var execution: ExecutionFlags

  func validate() throws {
    if let batch { try checkBatch(batch) }
    if let maps {
      let names = maps.split(separator: ",", omittingEmptySubsequences: false)
      guard names.count > 1, Set(names).count == names.count else {
        throw ValidationError("--maps is '\(maps)'; two or more interpreters are compared, such as cam,grad.")
      }
      guard detector == nil else { throw ValidationError("--maps goes with -o; a detector knows what it compares.") }
    }
    guard (detector == nil) != (output == nil) else { throw ValidationError("Give either --detector or -o.") }
  }

  func run() throws {
    let known = try detector.map { try AttackDetector(contentsOf: $0) }
    let given = maps.map { DetectorBasis.maps($0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)) }
    let basis = known?.basis ?? given ?? .squeezers(squeezers.squeezers)
    let job = try DetectionJob(try programs(basis), basis, threads: execution.threads)
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("detecting", total: images.count)
    if let output {
      let detector = try job.calibrated(on: images) { progress.update($0) }
      try detector.write(to: output)
      progress.end()
      for threshold in detector.thresholds { try StandardStream.output.writeLine(words(threshold)) }
    } else if let detector = known {
      let results = try job.detected(images, by: detector) { progress.update($0) }
      progress.end()
      for (image, detections) in results { try StandardStream.output.writeLine(words(image, detections)) }
      for (index, threshold) in detector.thresholds.enumerated() {
        let share = Share(results.count { $0.detections[index].isDetected }, of: results.count)
        try StandardStream.output.writeLine("\(threshold.name): \(words(share)) detected")
      }
    }
  }

  private func programs(_ basis: DetectorBasis) throws -> [ModelPrograms] {
    let artifact = try file.artifact(
      at: model, needing: .map, execution, given: modelOptions.given,
      repeated: [("batch", batch.map { "\($0)" }, \.batchText)])
    let batch = batch ?? min(images.count, 8)
    if let artifact, basis.maps == nil { return [artifact] }
    return try ModelPrograms.ofMaps(
      basis.maps ?? ["grad"], model: model, pin: file.sha256, batch: batch, modelOptions, execution.options)
  }

  private func words(_ threshold: DetectionThreshold) -> String {
    "\(threshold.name): threshold \(fixed(threshold.threshold, 3)) "
      + "[\(fixed(threshold.lower, 3)), \(fixed(threshold.upper, 3))], held-out false positives \(words(Share(threshold.heldOutFalsePositives, of: threshold.imageCount)))"
  }

  private func words(_ image: ImageScores, _ detections: [Detection]) -> String {
    let own = detections.filter { $0.name != "joint" }
    let scores = own.map { "\($0.name) \(fixed($0.score, 3))\($0.isDetected ? " detected" : "")" }
    let isJoint = detections.contains { $0.name == "joint" && $0.isDetected }
    return "\(image.path): \(image.label) \(fixed(image.probability, 3)), \(scores.joined(separator: ", "))"
      + (isJoint ? "; joint detected" : "")
  }

  private func words(_ share: Share) -> String {
    "\(share.count)/\(share.total) [\(fixed(share.interval.lowerBound, 2)), \(fixed(share.interval.upperBound, 2))]"
  }
}

extension ModelPrograms {
  /// Those of the maps of several interpreters.
  /// - Throws: `UsageError` for fewer than two that differ, beside an artifact, or what making programs throws.
  static func ofMaps(
    _ names: [String], model: String, pin: String?, batch: Int, _ options: ModelOptions, _ execution: ExecutionOptions
  ) throws -> [ModelPrograms] {
    guard !isArtifact(model) else {
      throw UsageError(
        "'\(model)' is an artifact, which has the maps of one interpreter; give the ONNX file to compare maps")
    }
    return try names.map { name in
      try ModelPrograms(
        ModelRequest(
          ModelFile(model, pin: pin), of: .map, batch: batch, interpreter: InterpreterChoice(name), shapes: options.shapes,
          overrides: options.description), execution)
    }
  }
}

/// Squeezers with commas between them: bits2,median3,nlm
struct SqueezerList: ExpressibleByArgument, CustomStringConvertible, Sendable {
  let squeezers: [Squeezer]

  /// Those of the paper.
  static let usual = SqueezerList([.bits(2), .bits(3), .median(3), .nonLocalMeans])

  init(_ squeezers: [Squeezer]) { self.squeezers = squeezers }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Squeezer(name: String($0)) }
    let known = parts.compactMap(\.self)
    guard known.count == parts.count, Set(known).count == known.count else { return nil }
    squeezers = known
  }

  var description: String { squeezers.map(\.name).joined(separator: ",") }
  var defaultValueDescription: String { description }
  var words: String { squeezers.isEmpty ? "none" : description }
}
