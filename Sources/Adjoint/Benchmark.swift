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
  /// For each batch size at which all programs of an attack, and the forward pass, were measured.
  public let iterations: [IterationCost]

  /// Measures every derived graph at every batch size on random images, all in turn, so that what slows a shared machine for
  /// a while slows them alike.
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
    var map: ModelFacts.MapFacts?
    let kinds = interpreter.name == "mask" ? derived.flatMap { $0.family(of: interpreter.name) } : derived
    for kind in kinds {
      for batch in batches {
        let request = ModelRequest(
          file, of: kind, batch: batch, interpreter: interpreter, shapes: shapes, overrides: overrides)
        let programs = try ModelPrograms(request, execution)
        map = map ?? programs.facts.map
        timings.append(try Timing(kind, batch: batch, try programs.executable(pool: pool)))
        progress(timings.count)
      }
    }
    for _ in 0..<Self.rounds { for index in timings.indices { try timings[index].measure(for: Self.roundSeconds) } }
    let peak = max(before, try PeakRate.measure(cpu: compiler.cpu, compiler: try CCompiler.locate(), pool: pool))
    peakGigaflopsPerSecond = peak / 1e9
    rows = timings.map { $0.row(peak: peak) }
    let rows = rows
    let steps = try interpreter.options.version().iterations
    iterations = batches.compactMap {
      MaskIteration.cost(rows, batch: $0, iterations: steps) ?? rows.costOfStep(against: map, batch: $0)
    }
  }

  /// Two seconds for each graph, and at least ten runs.
  private static let rounds = 10, roundSeconds = 0.2

  /// The runs of one graph at one batch size.
  private struct Timing {
    let kind: DerivedGraph
    let batch: Int
    private let executable: Executable
    private let index: Int
    private let peakResidentBytes: Int
    private var seconds: [Double] = []

    /// Runs once to warm up.
    init(_ kind: DerivedGraph, batch: Int, _ executable: Executable) throws {
      self.kind = kind
      self.batch = batch
      self.executable = executable
      index = try executable.programIndex(named: kind.rawValue)
      let program = executable.programs[index]
      let inputs = sampleInputs(program)
      for port in program.inputs { if let tensor = inputs[port.name] { try executable.write(tensor, to: port) } }
      try executable.run(index)
      peakResidentBytes = ResidentMemory.peakByteCount
    }

    /// One run at least.
    mutating func measure(for duration: Double) throws {
      let start = ContinuousClock.now
      repeat {
        let begin = ContinuousClock.now
        try executable.run(index)
        seconds.append((ContinuousClock.now - begin).seconds)
      } while (ContinuousClock.now - start).seconds < duration
    }

    func row(peak: Double) -> Row {
      let sorted = seconds.sorted()
      let median = sorted[sorted.count / 2]
      let operations = executable.programs[index].floatingPointOperations
      let rate = Double(operations) / median
      return Row(
        of: kind.rawValue, batch: batch, medianMilliseconds: median * 1e3, bestMilliseconds: sorted[0] * 1e3,
        runs: seconds.count, gigaflopsPerSecond: rate / 1e9, shareOfPeak: rate / peak,
        floatingPointOperations: operations, arenaBytes: executable.arenaByteCount,
        constantBytes: executable.constantByteCount, peakResidentBytes: peakResidentBytes)
    }
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
    ] + rows.map(\.text) + iterations.map(\.text)).joined(separator: "\n")
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
