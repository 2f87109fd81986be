import Adjoint
import ArgumentParser

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a model on the arrays of an .npz file; keys are the names of inputs and outputs.")

  @Argument(help: "An ONNX file.") var model: String
  @Option(help: ArgumentHelp("The file with the inputs.", valueName: "in.npz")) var inputs: String
  @Option(help: ArgumentHelp("The file to write.", valueName: "out.npz")) var outputs: String
  @Option(help: "Images in a batch; otherwise as many as the inputs hold.") var batch: Int?
  @Option(help: ArgumentHelp("The whole shape of an input.", valueName: "x=1,3,224,224")) var shape: [NamedShape] = []
  @OptionGroup var execution: ExecutionFlags

  func validate() throws { if let batch { try checkBatch(batch) } }

  func run() throws {
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("running", total: nil)
    try ModelRun.run(
      model: model, inputs: inputs, outputs: outputs, batch: batch,
      shapes: Dictionary(shape.map { ($0.name, $0.extents) }) { _, last in last }, execution: execution.options)
  }
}
