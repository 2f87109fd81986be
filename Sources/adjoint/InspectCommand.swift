import Adjoint
import ArgumentParser

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Says what a model takes, gives and costs, and which layer CAM takes.")

  @Argument(help: "An ONNX file.") var model: String
  @Option(help: "Images in a batch.") var batch = 1
  @OptionGroup var modelOptions: ModelOptions
  @Flag(help: "Print JSON.") var json = false

  func validate() throws { try checkBatch(batch) }

  func run() throws {
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("reading the model", total: nil)
    let inspection = try Inspection(
      path: model, batch: batch, shapes: modelOptions.shapes, overrides: modelOptions.description)
    progress.end()
    if let remark = inspection.gradRemark { try StandardStream.error.writeLine(remark) }
    try StandardStream.output.writeLine(json ? try jsonLine(inspection) : inspection.text)
  }
}
