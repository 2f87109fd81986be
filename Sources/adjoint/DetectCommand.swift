import Adjoint
import ArgumentParser
import Attacks

struct DetectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Tells attacks from photos by how much squeezing an image changes its prediction.",
    discussion: """
      With -o, calibrates thresholds on at least 100 benign photos, so that 5 % of them exceed each, and writes them as JSON. \
      With --detector, judges images by such a file. An image of the model's own size is taken as it is, as attack writes it; \
      others are resized as photos are. \(artifactWarning)
      """)

  @Argument(help: "An ONNX file, or an artifact of map, pgdStep or step.") var model: String
  @Argument(help: "PNG or JPEG files.") var images: [String]
  @Option(help: ArgumentHelp("The detector to ask.", valueName: "file")) var detector: String?
  @Option(name: [.customShort("o"), .long], help: ArgumentHelp("Where a detector is written.", valueName: "file"))
  var output: String?
  @Option(help: "Squeezers of a new detector, with commas between them: \(Squeezer.accepted).")
  var squeezers = SqueezerList.usual
  @Option(help: "Images that run together; otherwise up to 8.") var batch: Int?
  @OptionGroup var file: FileOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var execution: ExecutionFlags

  func validate() throws {
    if let batch { try checkBatch(batch) }
    guard (detector == nil) != (output == nil) else { throw ValidationError("Give either --detector or -o.") }
  }

  func run() throws {
    let artifact = try file.artifact(
      at: model, needing: .map, execution, given: modelOptions.given,
      repeated: [("batch", batch.map { "\($0)" }, \.batchText)])
    let programs =
      try artifact
      ?? ModelPrograms(
        ModelRequest(
          ModelFile(model, pin: file.sha256), of: .map, batch: batch ?? min(images.count, 8),
          interpreter: InterpreterChoice("grad"), shapes: modelOptions.shapes, overrides: modelOptions.description),
        execution.options)
    let job = try DetectionJob(programs, threads: execution.threads)
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("squeezing", total: images.count)
    if let output {
      let detector = try job.calibrated(on: images, squeezers.squeezers) { progress.update($0) }
      try detector.write(to: output)
      progress.end()
      for threshold in detector.thresholds { try StandardStream.output.writeLine(words(threshold)) }
    } else if let path = detector {
      let detector = try SqueezeDetector(contentsOf: path)
      let results = try job.detected(images, by: detector) { progress.update($0) }
      progress.end()
      for (image, detections) in results { try StandardStream.output.writeLine(words(image, detections)) }
      for (index, threshold) in detector.thresholds.enumerated() {
        let share = Share(results.count { $0.detections[index].isDetected }, of: results.count)
        try StandardStream.output.writeLine("\(threshold.name): \(words(share)) detected")
      }
    }
  }

  private func words(_ threshold: DetectionThreshold) -> String {
    "\(threshold.name): threshold \(fixed(threshold.threshold, 3)) [\(fixed(threshold.lower, 3)), \(fixed(threshold.upper, 3))], "
      + "held-out false positives \(words(Share(threshold.heldOutFalsePositives, of: threshold.imageCount)))"
  }

  private func words(_ image: ImageScores, _ detections: [Detection]) -> String {
    let scores = detections.dropLast().map { "\($0.name) \(fixed($0.score, 3))\($0.isDetected ? " detected" : "")" }
    return "\(image.path): \(image.label) \(fixed(image.probability, 3)), \(scores.joined(separator: ", "))"
      + (detections.last?.isDetected == true ? "; joint detected" : "")
  }

  private func words(_ share: Share) -> String {
    "\(share.count)/\(share.total) [\(fixed(share.interval.lowerBound, 2)), \(fixed(share.interval.upperBound, 2))]"
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
