import Adjoint
import ArgumentParser

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures compiled graphs against the multiply-add peak of the processor in the same run.")

  @Argument(help: "An ONNX file.") var model: String
  @Option(parsing: .upToNextOption, help: "Batch sizes.") var batch: [Int] = [1]
  @Option(parsing: .upToNextOption, help: "What is measured.") var of: [DerivedGraph] = [
    .forward
  ]
  @OptionGroup var step: StepOptions
  @OptionGroup var modelOptions: ModelOptions
  @Option(help: "The processor to compile for.") var cpu: String?
  @Option(help: "Threads; otherwise one for each processor.") var threads: Int?
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    for batch in batch { try checkBatch(batch) }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); 1 to 1024 are accepted.")
    }
  }

  func run() throws {
    let progress = ProgressBar()
    defer { progress.end() }
    progress.begin("measuring", total: batch.count * of.count)
    let benchmark = try Benchmark(
      path: model, batches: batch, of: of, interpreter: step.choice,
      shapes: modelOptions.shapes, overrides: modelOptions.description,
      execution: ExecutionOptions(cpu: cpu, threads: threads)
    ) { progress.update($0) }
    progress.end()
    try StandardStream.output.writeLine(json ? try jsonLine(benchmark) : benchmark.text)
  }
}
