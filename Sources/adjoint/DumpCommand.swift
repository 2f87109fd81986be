import Adjoint
import ArgumentParser

struct DumpCommand: ParsableCommand {
  enum Format: String, ExpressibleByArgument, CaseIterable { case text, dot }

  static let configuration = CommandConfiguration(
    commandName: "dump", abstract: "Prints a graph of a model, or what it is compiled to, at one stage of compilation.")

  @Argument(help: "An ONNX file.") var model: String
  @Option(help: "The stage.") var stage: DumpStage
  @Option(help: "What is computed.") var of = DerivedGraph.forward
  @OptionGroup var step: StepOptions
  @Option(help: "Text that parses back, or Graphviz.") var format = Format.text
  @Option(help: "Images in a batch.") var batch = 1
  @OptionGroup var modelOptions: ModelOptions
  @Option(help: "The processor to compile for.") var cpu: String?

  func validate() throws { try checkBatch(batch) }

  func run() throws {
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("compiling", total: nil)
    let stages = try GraphStages(
      of, ofModelAt: model, batch: batch, interpreter: step.choice,
      shapes: modelOptions.shapes, overrides: modelOptions.description)
    let text = try stage.text(of: stages, dot: format == .dot, execution: ExecutionOptions(cpu: cpu))
    progress.end()
    try StandardStream.output.write(text.hasSuffix("\n") ? text : text + "\n")
  }
}
