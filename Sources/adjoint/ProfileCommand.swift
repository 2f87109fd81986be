import Adjoint
import ArgumentParser

struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile",
    abstract: "Times every step of a compiled graph: milliseconds, FLOPs, bytes, and the share of what the machine allows.")

  @Argument(help: "An ONNX file.") var model: String
  @Option(help: "Images in a batch.") var batch = 1
  @Option(help: "What is computed.") var of = DerivedGraph.forward
  @OptionGroup var step: StepOptions
  @Option(help: "How many of the slowest steps are shown.") var limit = 40
  @OptionGroup var modelOptions: ModelOptions
  @Option(help: "The processor to compile for.") var cpu: String?
  @Option(help: "Threads; otherwise one for each processor.") var threads: Int?
  @Flag(help: "Print JSON: all steps, in their order.") var json = false

  func validate() throws {
    try checkBatch(batch)
    guard limit >= 1 else { throw ValidationError("--limit is \(limit); 1 or more is accepted.") }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); 1 to 1024 are accepted.")
    }
  }

  func run() throws {
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("profiling", total: nil)
    let profile = try StepProfile(
      path: model, batch: batch, of: of, interpreter: step.choice,
      shapes: modelOptions.shapes, overrides: modelOptions.description,
      execution: ExecutionOptions(cpu: cpu, threads: threads))
    progress.end()
    try StandardStream.output.writeLine(json ? try jsonLine(profile) : profile.text(limit: limit))
  }
}
