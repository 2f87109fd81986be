/// What one run of a program costs.
public struct ProgramCost: Sendable {
  public let name: String
  public let floatingPointOperations: Int
  /// Of inputs, outputs and intermediates; nil where the evaluator runs the graph.
  public let arenaBytes: Int?

  var text: String {
    "\(name): \(fixed(Double(floatingPointOperations) / 1e9, 3)) GFLOP"
      + (arenaBytes.map { ", \(fixed(Double($0) / 1e6, 3)) MB of working memory" } ?? "")
  }
}

extension ModelPrograms {
  /// What each program costs. Compiles them if they are not.
  func costs() throws -> [ProgramCost] {
    if let graphs = evaluatedGraphs {
      return graphs.map {
        ProgramCost(name: $0.name, floatingPointOperations: $0.floatingPointOperations, arenaBytes: nil)
      }
    }
    return try artifact().family.programs.map {
      ProgramCost(
        name: $0.name, floatingPointOperations: $0.floatingPointOperations, arenaBytes: $0.arenaByteCount)
    }
  }
}
