import Codegen
import NativeCompilation
import Programs

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

  /// A compiler for the processor.
  /// - Throws: `UsageError` for an unknown processor; `CompilationError.noCompiler`.
  public func compiler() throws -> Compiler {
    let target: TargetCPU
    do { target = try TargetCPU.resolve(named: cpu) } catch { throw UsageError(error.description) }
    return Compiler(cpu: target, compiler: try Self.located.get())
  }

  /// The C compiler of this process's environment, which is asked for its version once.
  private static let located = Result { () throws(CompilationError) in try CCompiler.locate() }
}
