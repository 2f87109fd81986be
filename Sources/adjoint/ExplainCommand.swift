import Adjoint
import ArgumentParser

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Writes the heatmap of each image: DIR/<image>.npz and DIR/<image>.<interpreter>.png.")

  @Argument(help: "An ONNX file.") var model: String
  @Argument(help: "PNG or JPEG files.") var images: [String]
  @Option(help: "The interpreter: cam or grad.") var interpreter = "cam"
  @Option(
    help: """
      What grad takes for the derivative of ReLU, Clip and LeakyRelu: plain, smoothed (the paper's), sigmoid, \
      softplus:SHARPNESS, or guided (guided backpropagation).
      """)
  var derivative = "plain"
  @Option(name: .customLong("class"), help: "The class to explain, by number or name; otherwise what the model sees.")
  var explained: String?
  @Option(name: [.customShort("o"), .long], help: ArgumentHelp("Where results are written.", valueName: "dir"))
  var output: String
  @Option(help: "Images that run together; otherwise up to 8.") var batch: Int?
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var execution: ExecutionFlags

  func validate() throws { if let batch { try checkBatch(batch) } }

  func run() throws {
    let classifier = try ImageClassifier(
      path: model, batch: batch ?? min(images.count, 8), shapes: modelOptions.shapes, overrides: modelOptions.description)
    let job = ExplainJob(
      model: classifier, interpreter: interpreter, derivative: derivative, execution: execution.options,
      output: try OutputDirectory(output))
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("explaining", total: images.count)
    if let remark = interpreterRemark(interpreter, imageShape: classifier.imageShape) {
      try progress.print(remark, to: .error)
    }
    var done = 0
    try job.run(images, explaining: explained) { explanation in
      done += 1
      progress.update(done)
      let name = classifier.labels.name(explanation.explained)
      try progress.print(
        "\(explanation.image): \(name) \(fixed(Double(explanation.probabilities[explanation.explained]), 3))"
          + (explanation.label == explanation.explained
            ? "" : " (the model sees \(classifier.labels.name(explanation.label)))"))
    }
  }
}
