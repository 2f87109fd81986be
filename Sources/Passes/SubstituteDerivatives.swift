import IR
import Operators

/// Gives ReLU, Clip and LeakyRelu another derivative, or rounding one, by operator or by the name of an ONNX node; values
/// stay as they are.
///
/// Runs before differentiation. PRelu is a leakyRelu; HardSigmoid and HardSwish are made of a clip. Everything else keeps
/// its own derivative: smooth functions, Elu, Celu and Selu with them; ThresholdedRelu and Shrink, which jump; Abs, Max and
/// Min; and max pooling.
public struct SubstituteDerivatives: Sendable {
  /// For each function its derivative; others stay.
  public var byFunction: [ScalarFunction: KinkDerivative]
  /// For each ONNX node its derivative, which wins over that of its function.
  public var byNode: [String: KinkDerivative]

  public init(_ byFunction: [ScalarFunction: KinkDerivative], byNode: [String: KinkDerivative] = [:]) {
    self.byFunction = byFunction
    self.byNode = byNode
  }

  /// Every function alike on which the derivative is defined.
  public init(all derivative: KinkDerivative) {
    let functions = ScalarFunction.allCases.filter(derivative.isDefined)
    self.init(Dictionary(uniqueKeysWithValues: functions.map { ($0, derivative) }))
  }

  /// What stands for a node in the substituted graph, or nil where it stays.
  public func replacement(for node: Node) -> Elementwise? {
    guard let elementwise = node.operation as? Elementwise, node.type.element.isFloatingPoint,
      let derivative = node.location.node.flatMap({ byNode[$0] }) ?? byFunction[elementwise.function],
      derivative.isDefined(on: elementwise.function), derivative != elementwise.declared
    else { return nil }
    return Elementwise(elementwise.function, declaring: derivative)
  }

  /// - Throws: if a function is named that cannot have the derivative, or a node that the graph lacks or without an
  ///   operation that can.
  public func run(_ graph: Graph) throws(TypeError) -> Graph {
    try check(graph)
    return try graph.rewritten { (node, _, operands, builder) throws(TypeError) -> Value? in
      guard let replacement = replacement(for: node) else { return nil }
      return try builder.append(replacement, operands)
    }
  }

  private func check(_ graph: Graph) throws(TypeError) {
    for (function, derivative) in byFunction.sorted(by: { $0.key.rawValue < $1.key.rawValue })
    where !derivative.isDefined(on: function) {
      throw TypeError(function.rawValue, derivative.refusal, [])
    }
    var open = byNode
    for node in graph.nodes {
      guard let name = node.location.node, let derivative = open[name],
        let elementwise = node.operation as? Elementwise, derivative.isDefined(on: elementwise.function)
      else { continue }
      open[name] = nil
    }
    if let (name, derivative) = open.min(by: { $0.key < $1.key }) {
      throw TypeError(
        "substituteDerivatives", "node \"\(name)\" has no operation for its derivative: \(derivative.refusal)", [])
    }
  }
}
