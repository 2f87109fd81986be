import Adjoint
import ArgumentParser

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Says what a model takes, gives and costs, and which layer CAM takes; or what an artifact holds.")

  @Argument(help: "An ONNX file, or an artifact that compile wrote.") var model: String
  @Option(help: "Images in a batch (1).") var batch: Int?
  @OptionGroup var modelOptions: ModelOptions
  @Flag(help: "Print JSON.") var json = false

  func validate() throws { if let batch { try checkBatch(batch) } }

  func run() throws {
    if isArtifact(model) { return try inspectArtifact() }
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("reading the model", total: nil)
    let inspection = try Inspection(
      path: model, batch: batch ?? 1, shapes: modelOptions.shapes, overrides: modelOptions.description)
    progress.end()
    if let remark = inspection.gradRemark { try StandardStream.error.writeLine(remark) }
    try StandardStream.output.writeLine(json ? try jsonLine(inspection) : inspection.text)
  }

  private func inspectArtifact() throws {
    let refused = (modelOptions.given + [("batch", batch != nil)]).filter(\.isGiven).map { "--\($0.name)" }
    guard refused.isEmpty else {
      throw UsageError("\(refused.joined(separator: ", ")): not beside '\(model)', an artifact, in which that is settled")
    }
    let inspection = try ArtifactInspection(path: model)
    try StandardStream.output.writeLine(json ? try jsonLine(inspection) : inspection.text)
  }
}
