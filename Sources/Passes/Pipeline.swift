import IR

/// The passes in their order. `Fuse` follows where code is generated.
public enum Pipeline {
  /// Told the name of each pass and the graph it leaves.
  public typealias Observer = (_ pass: String, _ graph: Graph) -> Void

  /// Before differentiation: each pass keeps values and derivatives, also the declared ones of surrogates.
  public static let preparation: [any Pass.Type] = [
    FoldConstants.self,
    Simplify.self,
    FoldConstants.self,
    FoldBatchNorm.self,
    ShareSubexpressions.self,
    NestConcatenations.self,
    Simplify.self,
    RemoveDeadNodes.self,
  ]

  /// After the last differentiation: each pass keeps values.
  public static let simplification: [any Pass.Type] = [
    EraseSurrogates.self,
    FoldConstants.self,
    Simplify.self,
    ShareSubexpressions.self,
    FoldConstants.self,
    Simplify.self,
    ShareSubexpressions.self,
    RemoveDeadNodes.self,
  ]

  public static func prepare(_ graph: Graph, observer: Observer? = nil) throws(TypeError) -> Graph {
    try run(preparation, on: graph, observer)
  }

  public static func simplify(_ graph: Graph, observer: Observer? = nil) throws(TypeError) -> Graph {
    try run(simplification, on: graph, observer)
  }

  private static func run(_ passes: [any Pass.Type], on graph: Graph, _ observer: Observer?) throws(TypeError) -> Graph {
    var graph = graph
    for pass in passes {
      graph = try pass.run(graph)
      assert(isValid(graph, after: pass.name))
      observer?(pass.name, graph)
    }
    return graph
  }

  private static func isValid(_ graph: Graph, after pass: String) -> Bool {
    do { try graph.verify() } catch {
      assertionFailure("\(pass) left an invalid graph: \(error)\n\(graph.text())")
      return false
    }
    return true
  }
}
