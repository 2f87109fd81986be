import IR
import Operators

/// Replaces every operation whose declared derivative is not the derivative of its value by what has that value.
///
/// Runs once, after the last differentiation: a derivative taken later would be that of the value. Before it, copies of one
/// network that differ in their surrogates alone stay apart; behind it, ShareSubexpressions merges their forward parts.
public enum EraseSurrogates: Pass {
  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    try graph.rewritten { (node, _, operands, _) throws(TypeError) -> Value? in
      guard let elementwise = node.operation as? Elementwise, elementwise.function == .stopGradient else { return nil }
      return operands[0]
    }
  }
}
