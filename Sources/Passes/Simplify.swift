import IR
import Operators
import TensorTypes

/// Algebraic rewrites, applied until none applies.
///
/// Each rule keeps the value and, since Simplify also runs before differentiation, the derivative, also the declared one of
/// a surrogate: no rule moves a kink (relu(relu x) stays) and none drops an operand that could be infinite (0 · x stays).
///
/// Broadcasts, reshapes and permutations move toward the outputs, slices toward the inputs, so that rewriting ends.
public enum Simplify: Pass {
  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    var graph = try RemoveDeadNodes.run(graph)
    while true {
      var isChanged = false
      let next = try graph.rewritten { (node, _, operands, builder) throws(TypeError) -> Value? in
        guard let operation = node.operation else { return nil }
        let site = RewriteSite(operation: operation, operands: operands, type: node.type, builder: builder)
        for rule in rules(for: operation) {
          if let replacement = try rule.rewrite(site) {
            isChanged = true
            return replacement
          }
        }
        return nil
      }
      if !isChanged { return graph }
      graph = try RemoveDeadNodes.run(next)
    }
  }

  /// Every rule, for the test that asks for an example of each.
  static let rules: [RewriteRule] =
    elementwiseRules + reshapeRules + permuteRules + broadcastRules + sumRules + padRules + sliceRules + concatenateRules
    + gatherRules + convertRules + matrixProductRules + convolutionRules + windowSumRules + zeroRules

  private static func rules(for operation: any Operator) -> [RewriteRule] {
    switch operation {
    case is Elementwise: elementwiseRules
    case is Reshape: reshapeRules
    case is Permute: permuteRules
    case is Broadcast: broadcastRules
    case is Sum: sumRules
    case is Pad: padRules
    case is Slice: sliceRules
    case is Concatenate: concatenateRules
    case is Gather: gatherRules
    case is Convert: convertRules
    case is MatrixProduct: matrixProductRules
    case is Convolution: convolutionRules
    case is WindowSum: windowSumRules
    case is WindowSpread, is Scatter, is Untake: zeroRules
    default: []
    }
  }
}
