import Execution
import NativeCompilation
import Programs

/// Where the time of one compiled graph goes, step by step.
public struct StepProfile: Sendable, Encodable {
  public struct Row: Sendable, Encodable {
    /// Position in the program.
    public let step: Int
    public let milliseconds: Double
    public let gigaflopsPerSecond: Double
    public let gigabytesPerSecond: Double
    /// The time that the operations at the measured peak, or the bytes at the measured bandwidth, would take at least, as a
    /// share of the time taken (Williams, Waterman and Patterson 2009). Above 1 where operands stay in a cache.
    public let rooflineShare: Double
    public let summary: String
    public let node: String?
  }

  public let model: String
  public let of: String
  public let batch: Int
  public let cpu: String
  public let threads: Int
  public let peakGigaflopsPerSecond: Double
  public let bandwidthGigabytesPerSecond: Double
  /// In the order of the program.
  public let rows: [Row]

  /// Compiles the graph, runs it `repetitions` times step by step on random images, and takes each step's median.
  /// - Throws: what importing, differentiating, compiling and running throw.
  public init(
    path: String, batch: Int, of derived: DerivedGraph, interpreter: InterpreterChoice,
    shapes: [String: [Int]], overrides: ModelDescription, execution: ExecutionOptions, repetitions: Int = 7
  ) throws {
    let compiler = try execution.compiler()
    let pool = ThreadPool(threadCount: execution.threads ?? ThreadPool.usableProcessorCount)
    // Before and after, since a shared machine does not always give its best.
    let before = try PeakRate.measure(cpu: compiler.cpu, compiler: try CCompiler.locate(), pool: pool)
    let bandwidth = try PeakBandwidth.measure(cpu: compiler.cpu, compiler: try CCompiler.locate(), pool: pool)
    let request = ModelRequest(
      try ModelFile(path), of: derived, batch: batch, interpreter: interpreter, shapes: shapes, overrides: overrides)
    let executable = try ModelPrograms(request, execution).executable(pool: pool)
    let program = executable.programs[try executable.programIndex(named: derived.rawValue)]
    let timings = try executable.profile(
      program.name, inputs: Benchmark.sampleInputs(program), repetitions: repetitions)
    let peak = max(before, try PeakRate.measure(cpu: compiler.cpu, compiler: try CCompiler.locate(), pool: pool))
    model = path
    of = derived.rawValue
    self.batch = batch
    cpu = compiler.cpu.name
    threads = pool.threadCount
    peakGigaflopsPerSecond = peak / 1e9
    bandwidthGigabytesPerSecond = bandwidth / 1e9
    rows = timings.enumerated().map { number, timing in
      let operations = Double(timing.step.floatingPointOperations)
      let bytes = Double(timing.step.bytesMoved)
      let seconds = max(timing.seconds, 1e-9)
      return Row(
        step: number, milliseconds: timing.seconds * 1e3, gigaflopsPerSecond: operations / seconds / 1e9,
        gigabytesPerSecond: bytes / seconds / 1e9, rooflineShare: max(operations / peak, bytes / bandwidth) / seconds,
        summary: timing.step.summary, node: timing.step.node)
    }
  }

  /// The slowest steps first, after a line for the head.
  public func text(limit: Int) -> String {
    let total = rows.reduce(0) { $0 + $1.milliseconds }
    let slowest = rows.sorted { ($1.milliseconds, $0.step) < ($0.milliseconds, $1.step) }
    func column(_ number: Double, _ decimals: Int, _ width: Int) -> String {
      let digits = fixed(number, decimals)
      return String(repeating: " ", count: max(0, width - digits.count)) + digits
    }
    let head = [
      "\(model), \(of) at batch \(batch) on \(cpu), \(threads) threads: \(rows.count) steps, \(fixed(total, 2)) ms",
      "FMA peak \(fixed(peakGigaflopsPerSecond, 1)) GFLOP/s, memory \(fixed(bandwidthGigabytesPerSecond, 1)) GB/s",
      " step        ms     %  GFLOP/s   GB/s  roofline",
    ]
    return
      (head
      + slowest.prefix(limit).map { row in
        column(Double(row.step), 0, 5) + column(row.milliseconds, 3, 10)
          + column(100 * row.milliseconds / max(total, 1e-9), 1, 6)
          + column(row.gigaflopsPerSecond, 1, 9) + column(row.gigabytesPerSecond, 1, 7)
          + column(100 * row.rooflineShare, 0, 8) + " %  \(row.summary)" + (row.node.map { "   // \($0)" } ?? "")
      }).joined(separator: "\n")
  }
}
