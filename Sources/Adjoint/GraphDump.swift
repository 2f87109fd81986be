import Codegen
import IR
import Programs

/// The stages that `dump` can show, in their order.
public enum DumpStage: String, Sendable, CaseIterable {
  case imported, prepared, differentiated, simplified, fused, scheduled, program, c

  /// The text of a stage.
  /// - Throws: `TypeError`, `CodegenError`, `CompilationError`, `UsageError` for a stage that has no picture.
  public func text(of stages: GraphStages, dot: Bool, execution: ExecutionOptions) throws -> String {
    let graph: Graph
    switch self {
    case .imported: graph = stages.imported
    case .prepared: graph = stages.prepared
    case .differentiated: graph = stages.differentiated
    case .simplified: graph = stages.simplified
    case .fused: graph = try Compiler.fused(stages.simplified)
    case .scheduled, .program, .c:
      if dot { throw UsageError("stage \(rawValue) is no graph; --format dot shows the stages imported to fused") }
      let compiler = try execution.compiler()
      if self == .c { return try compiler.text([stages.simplified]) }
      if self == .scheduled { return try compiler.scheduleText([stages.simplified]) }
      return try compiler.programs([stages.simplified]).map(\.text).joined()
    }
    return dot ? graph.graphviz() : graph.text()
  }
}
