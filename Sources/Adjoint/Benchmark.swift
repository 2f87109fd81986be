import Execution
import IR
import NativeCompilation
import Programs
import TensorTypes

/// How fast the compiled graphs of a model are.
public struct Benchmark: Sendable, Encodable {
  public struct Row: Sendable, Encodable {
    public let of: String
    public let batch: Int
    public let medianMilliseconds: Double
    public let bestMilliseconds: Double
    public let runs: Int
    /// At the median, counting what the compiled program computes.
    public let gigaflopsPerSecond: Double
    public let shareOfPeak: Double
    public let floatingPointOperations: Int
    public let arenaBytes: Int
    public let constantBytes: Int
    /// Of the whole process so far, compiler and model included.
    public let peakResidentBytes: Int
  }

  public let model: String
  public let cpu: String
  public let threads: Int
  public let peakGigaflopsPerSecond: Double
  public let rows: [Row]
  /// For each batch size at which all programs of the attack on MASK were measured.
  public let maskIterations: [MaskIteration]

  /// Measures every derived graph at every batch size on random images.
  /// - Throws: what importing, differentiating and compiling throw.
  public init(
    path: String, batches: [Int], of derived: [DerivedGraph], interpreter: InterpreterChoice,
    shapes: [String: [Int]], overrides: ModelDescription, execution: ExecutionOptions,
    progress: (_ measured: Int) -> Void = { _ in }
  ) throws {
    let compiler = try execution.compiler()
    let pool = ThreadPool(threadCount: execution.threads ?? ThreadPool.usableProcessorCount)
    model = path
    cpu = compiler.cpu.name
    threads = pool.threadCount
    let file = try ModelFile(path)
    // Before and after, since a shared machine does not always give its best.
    let before = try PeakRate.measure(cpu: compiler.cpu, compiler: try CCompiler.locate(), pool: pool)
    var timings: [Timing] = []
    let kinds = interpreter.name == "mask" ? derived.flatMap { $0.family(of: interpreter.name) } : derived
    for kind in kinds {
      for batch in batches {
        let request = ModelRequest(
          file, of: kind, batch: batch, interpreter: interpreter, shapes: shapes, overrides: overrides)
        let executable = try ModelPrograms(request, execution).executable(pool: pool)
        timings.append(try Self.measure(executable, kind, batch: batch))
        progress(timings.count)
      }
    }
    let peak = max(before, try PeakRate.measure(cpu: compiler.cpu, compiler: try CCompiler.locate(), pool: pool))
    peakGigaflopsPerSecond = peak / 1e9
    rows = timings.map { $0.row(peak: peak) }
    let rows = rows
    let steps = try interpreter.options.version().iterations
    maskIterations = batches.compactMap { MaskIteration(rows, batch: $0, iterations: steps) }
  }

  /// The runs of one graph at one batch size.
  private struct Timing {
    let kind: DerivedGraph
    let batch: Int
    /// In ascending order.
    let seconds: [Double]
    let floatingPointOperations: Int
    let arenaBytes: Int
    let constantBytes: Int
    let peakResidentBytes: Int

    func row(peak: Double) -> Row {
      let median = seconds[seconds.count / 2]
      let rate = Double(floatingPointOperations) / median
      return Row(
        of: kind.rawValue, batch: batch, medianMilliseconds: median * 1e3, bestMilliseconds: seconds[0] * 1e3,
        runs: seconds.count, gigaflopsPerSecond: rate / 1e9, shareOfPeak: rate / peak,
        floatingPointOperations: floatingPointOperations, arenaBytes: arenaBytes, constantBytes: constantBytes,
        peakResidentBytes: peakResidentBytes)
    }
  }

  private static func measure(_ executable: Executable, _ kind: DerivedGraph, batch: Int) throws -> Timing {
    let index = try executable.programIndex(named: kind.rawValue)
    let program = executable.programs[index]
    let inputs = sampleInputs(program)
    for port in program.inputs { if let tensor = inputs[port.name] { try executable.write(tensor, to: port) } }
    var seconds: [Double] = []
    // Once to warm up, then for two seconds, at least five times.
    try executable.run(index)
    let start = ContinuousClock.now
    while seconds.count < 5 || ((ContinuousClock.now - start).seconds < 2 && seconds.count < 1000) {
      let begin = ContinuousClock.now
      try executable.run(index)
      seconds.append((ContinuousClock.now - begin).seconds)
    }
    seconds.sort()
    return Timing(
      kind: kind, batch: batch, seconds: seconds, floatingPointOperations: program.floatingPointOperations,
      arenaBytes: executable.arenaByteCount, constantBytes: executable.constantByteCount,
      peakResidentBytes: ResidentMemory.peakByteCount)
  }

  static func sampleInputs(_ program: Program) -> [String: HostTensor] {
    Dictionary(
      uniqueKeysWithValues: program.inputs.enumerated().map { ($0.element.name, sample($0.element.type, $0.offset)) })
  }

  /// Numbers in [0, 1) that look random, zeros for integers.
  private static func sample(_ type: TensorType, _ number: Int) -> HostTensor {
    guard type.element.isFloatingPoint else { return .filled(type, with: 0) }
    var state = UInt32(truncatingIfNeeded: number &* 7919 &+ 1)
    return HostTensor(
      type,
      .double(
        (0..<type.shape.elementCount).map { _ in
          state = state &* 1_664_525 &+ 1_013_904_223
          return Double(state >> 8) / Double(1 << 24)
        }))
  }

  /// One line for the head, then one for each row.
  public var text: String {
    ([
      "\(model) on \(cpu), \(threads) threads, FMA peak \(fixed(peakGigaflopsPerSecond, 1)) GFLOP/s"
    ] + rows.map(\.text) + maskIterations.map(\.text)).joined(separator: "\n")
  }
}

extension Benchmark.Row {
  public var text: String {
    "\(of) batch \(batch): \(fixed(medianMilliseconds, 2)) ms median, \(fixed(bestMilliseconds, 2)) ms best of \(runs), "
      + "\(fixed(gigaflopsPerSecond, 1)) GFLOP/s, \(fixed(100 * shareOfPeak, 1)) % of peak, "
      + "arena \(fixed(Double(arenaBytes) / 1e6, 1)) MB, constants \(fixed(Double(constantBytes) / 1e6, 1)) MB, "
      + "resident at most \(fixed(Double(peakResidentBytes) / 1e6, 0)) MB"
  }
}
