import Attacks
import Codegen
import Execution
import IR
import NativeCompilation
import Passes
import Programs
import TensorTypes

/// How graphs are run: as native code for a processor on some threads, or by the reference evaluator.
public struct ExecutionOptions: Sendable, Equatable {
  public var cpu: String?
  public var threads: Int?
  public var usesReference: Bool

  public init(cpu: String? = nil, threads: Int? = nil, usesReference: Bool = false) {
    self.cpu = cpu
    self.threads = threads
    self.usesReference = usesReference
  }

  /// A compiler for the processor, with the cache of this user where there is one.
  /// - Throws: `UsageError` for an unknown processor; `CompilationError.noCompiler`.
  public func compiler() throws -> Compiler {
    let target: TargetCPU
    do { target = try TargetCPU.resolve(named: cpu) } catch { throw UsageError(error.description) }
    return Compiler(cpu: target, compiler: try CCompiler.locate(), cache: try? ObjectCache.standard())
  }

  /// The processor's name in records: results of different processors may differ in their last bits.
  public func targetName() throws -> String {
    if usesReference { return "reference" }
    do { return try TargetCPU.resolve(named: cpu).name } catch { throw UsageError(error.description) }
  }

  /// A runner for graphs that are not yet simplified.
  /// - Throws: `CodegenError`, `CompilationError`, `ExecutionError`, `TypeError`, `UsageError`.
  public func runner(_ graphs: [Graph]) throws -> any GraphRunner {
    if let threads, threads < 1 { throw UsageError("\(threads) threads; at least 1 is expected") }
    if usesReference { return ReferenceRunner(graphs) }
    return try CompiledRunner(graphs, compiler: try compiler(), threads: threads)
  }
}

/// Runs graphs as native code.
public struct CompiledRunner: GraphRunner {
  public let executable: Executable
  public let family: ProgramFamily

  /// Simplifies and compiles the graphs, which share constants and one arena.
  public init(_ graphs: [Graph], compiler: Compiler, threads: Int? = nil) throws {
    family = try compiler.compile(try graphs.map { graph throws(TypeError) in try Pipeline.simplify(graph) })
    executable = try Executable(family, threads: threads ?? ThreadPool.usableProcessorCount)
  }

  public func run(_ graph: String, _ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
    try executable.run(graph, inputs)
  }
}
