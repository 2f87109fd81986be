import IR
import Operators
import TensorTypes

/// Evaluates operations on constants once, by the reference evaluator; floating-point results keep their f64 storage.
///
/// An elementwise operation on broadcast constants folds beneath the broadcast: f(broadcast a, broadcast b) becomes
/// broadcast f(a, b). A broadcast alone stays, since it costs nothing where it is read, and an operation stays whose result
/// would be much larger than its operands. One that fails to evaluate stays too, and fails when the graph runs.
public enum FoldConstants: Pass {
  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    try graph.rewritten { (node, _, operands, builder) throws(TypeError) -> Value? in
      guard let operation = node.operation, !(operation is Broadcast) else { return nil }
      var constants: [BroadcastConstant] = []
      for operand in operands {
        guard let constant = BroadcastConstant(operand, in: builder.nodes) else { return nil }
        constants.append(constant)
      }
      let isElementwise = operation is Elementwise || operation is Convert
      let axes = isElementwise ? Set(constants.flatMap(\.axes)).sorted() : Array(0..<node.type.shape.rank)
      let compact = TensorType(node.type.element, Shape(axes.map { node.type.shape[$0] }))
      let budget = max(1024, 4 * constants.reduce(0) { $0 + $1.tensor.storage.count })
      guard compact.shape.elementCount <= budget else { return nil }

      var tensors: [HostTensor] = []
      for (operand, constant) in zip(operands, constants) {
        let type = builder.type(of: operand)
        let shape = isElementwise ? compact.shape : type.shape
        let targets = isElementwise ? constant.axes.compactMap(axes.firstIndex(of:)) : constant.axes
        guard shape.elementCount <= budget else { return nil }
        let expanded =
          constant.tensor.shape == shape
          ? constant.tensor
          : Broadcast(shape: shape, axes: targets).evaluate([constant.tensor], type: TensorType(type.element, shape))
        tensors.append(expanded)
      }
      guard let result = try? operation.evaluate(tensors, type: compact) else { return nil }
      let folded = builder.constant(result, name: name(for: constants))
      return try builder.broadcast(folded, to: node.type.shape, axes: axes)
    }
  }

  /// The name of the largest constant that went in.
  private static func name(for constants: [BroadcastConstant]) -> String {
    let largest = constants.max { $0.tensor.storage.count < $1.tensor.storage.count }
    return (largest?.name ?? "constant").folded
  }
}
