import IR
import Operators

/// Replaces every operation whose declared derivative is not the derivative of its value by what has that value, and closes
/// the graph.
///
/// Runs once, after the last differentiation: a derivative taken later would mix declared derivatives with those of the
/// values. Before it, copies of one network that differ in their surrogates alone stay apart; behind it,
/// ShareSubexpressions merges their forward parts.
public enum EraseSurrogates: Pass {
  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    try graph.rewritten { (node, _, operands, builder) throws(TypeError) -> Value? in
      guard let elementwise = node.operation as? Elementwise, elementwise.isSurrogate else { return nil }
      if elementwise.function == .stopGradient { return operands[0] }
      return try builder.append(Elementwise(elementwise.function), operands)
    }.closed()
  }
}
