import Adjoint
import ArgumentParser

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs a model or an artifact on the arrays of an .npz file; keys are the names of inputs and outputs.",
    discussion: artifactWarning)

  @Argument(help: "An ONNX file, or an artifact that compile wrote.") var model: String
  @Option(help: ArgumentHelp("The file with the inputs.", valueName: "in.npz")) var inputs: String
  @Option(help: ArgumentHelp("The file to write.", valueName: "out.npz")) var outputs: String
  @Option(help: "Which program of an artifact; otherwise the one that it was compiled of.") var program: String?
  @Option(help: "Images in a batch; otherwise as many as the inputs hold.") var batch: Int?
  @Option(help: ArgumentHelp("The whole shape of an input.", valueName: "x=1,3,224,224")) var shape: [NamedShape] = []
  @OptionGroup var file: FileOptions
  @OptionGroup var execution: ExecutionFlags

  func validate() throws { if let batch { try checkBatch(batch) } }

  func run() throws {
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("running", total: nil)
    let artifact = try file.artifact(
      at: model, execution, given: [("batch", batch != nil), ("shape", !shape.isEmpty)])
    let run = try ModelRun(inputs: inputs)
    let programs =
      try artifact
      ?? run.programs(
        of: ModelFile(model, pin: file.sha256), batch: batch,
        shapes: Dictionary(shape.map { ($0.name, $0.extents) }) { _, last in last }, execution: execution.options)
    let remark = try run.run(programs, program: program, outputs: outputs, threads: execution.threads)
    if let remark { try progress.print(remark, to: .error) }
  }
}
