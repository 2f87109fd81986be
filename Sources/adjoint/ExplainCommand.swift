import Adjoint
import ArgumentParser
import Attacks

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Writes the heatmap of each image: DIR/<image>.npz and DIR/<image>.<interpreter>.png.",
    discussion: artifactWarning)

  @Argument(help: "An ONNX file, or an artifact of map, pgdStep or step.") var model: String
  @Argument(help: "PNG or JPEG files.") var images: [String]
  @Option(help: "The interpreter, cam for models: \(interpreterNames). The map of mask is 1 - m.") var interpreter: String?
  @Option(
    help: """
      What is taken for the derivative of ReLU, Clip and LeakyRelu: plain (taken for models), smoothed (the \
      paper's), sigmoid, softplus:SHARPNESS, or guided (guided backpropagation).
      """)
  var derivative: String?
  @Option(name: .customLong("class"), help: "The class to explain, by number or name; otherwise what the model sees.")
  var explained: String?
  @Option(name: [.customShort("o"), .long], help: ArgumentHelp("Where results are written.", valueName: "dir"))
  var output: String
  @Option(help: "Images that run together; otherwise up to 8.") var batch: Int?
  @Option(help: "Decides the jitter of mask.") var seed: UInt64 = 0
  @OptionGroup var interpreterFlags: InterpreterFlags
  @OptionGroup var file: FileOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var execution: ExecutionFlags

  func validate() throws { if let batch { try checkBatch(batch) } }

  func run() throws {
    let artifact = try file.artifact(
      at: model, needing: .map, execution, given: modelOptions.given,
      repeated: [
        ("interpreter", interpreter, { $0.map?.interpreter.name }),
        ("derivative", derivative, { $0.map?.interpreter.derivative }), ("batch", batch.map { "\($0)" }, \.batchText),
      ] + interpreterFlags.repeated)
    let programs =
      try artifact
      ?? ModelPrograms(
        ModelRequest(
          ModelFile(model, pin: file.sha256), of: .map, batch: batch ?? min(images.count, 8),
          interpreter: InterpreterChoice(
            interpreter ?? "cam", derivative: derivative ?? "plain", options: interpreterFlags.options),
          shapes: modelOptions.shapes, overrides: modelOptions.description),
        execution.options)
    let job = try ExplainJob(
      programs, threads: execution.threads, seed: seed, output: try OutputDirectory(output))
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("explaining", total: images.count)
    if let remark = job.remark { try progress.print(remark, to: .error) }
    var (done, failures) = (0, 0)
    try job.run(
      images, explaining: explained,
      failed: { image, why in
        failures += 1
        try progress.print("\(image): not explained: \(why)", to: .error)
      }
    ) { explanation in
      done += 1
      progress.update(done)
      let name = job.labels.name(explanation.explained)
      try progress.print(
        "\(explanation.image): \(name) \(fixed(Double(explanation.probabilities[explanation.explained]), 3))"
          + (explanation.label == explanation.explained
            ? "" : " (the model sees \(job.labels.name(explanation.label)))")
          + (explanation.mapStatus == .blank ? ", blank map" : "")
          + (explanation.completeness.map {
            ", attributions sum to \(fixed($0.attributionSum, 4)) of \(fixed($0.probability - $0.baselineProbability, 4))"
          } ?? ""))
    }
    if failures > 0 {
      progress.end()
      throw FileError("\(failures) of \(images.count) images could not be explained")
    }
  }
}
