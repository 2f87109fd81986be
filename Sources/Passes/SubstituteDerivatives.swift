import IR
import Operators

/// Which derivative an operation with kinks has.
public enum KinkDerivative: String, Sendable, Hashable, CaseIterable {
  /// That of the value, r(z) = 1 where z > 0, with a second derivative of zero.
  case plain
  /// The paper's h (section 3.2): h(z) for ReLU, h(z − lo) − h(z − hi) for Clip.
  case smoothed
  /// σ(z) for ReLU, σ(z − lo) − σ(z − hi) for Clip.
  case sigmoid

  /// The function with the same value as `function` and this derivative; nil where the function has no kink.
  public func surrogate(of function: ScalarFunction) -> ScalarFunction? {
    switch (self, function) {
    case (.plain, .relu), (.plain, .clip): function
    case (.smoothed, .relu): .reluSmoothed
    case (.smoothed, .clip): .clipSmoothed
    case (.sigmoid, .relu): .reluSigmoid
    case (.sigmoid, .clip): .clipSigmoid
    default: nil
    }
  }
}

/// Gives ReLU and Clip another derivative, by operator or by the name of an ONNX node; values stay as they are.
///
/// Runs before differentiation. Max pooling and everything else that has kinks keeps its own derivative.
public struct SubstituteDerivatives: Sendable {
  /// For each function its derivative; others stay.
  public var byFunction: [ScalarFunction: KinkDerivative]
  /// For each ONNX node its derivative, which wins over that of its function.
  public var byNode: [String: KinkDerivative]

  public init(_ byFunction: [ScalarFunction: KinkDerivative], byNode: [String: KinkDerivative] = [:]) {
    self.byFunction = byFunction
    self.byNode = byNode
  }

  /// Every ReLU and Clip alike.
  public init(all derivative: KinkDerivative) { self.init([.relu: derivative, .clip: derivative]) }

  /// What stands for a node in the substituted graph, or nil where it stays.
  public func replacement(for node: Node) -> Elementwise? {
    guard let elementwise = node.operation as? Elementwise, node.type.element.isFloatingPoint,
      let derivative = node.location.node.flatMap({ byNode[$0] }) ?? byFunction[elementwise.function],
      let surrogate = derivative.surrogate(of: elementwise.function), surrogate != elementwise.function
    else { return nil }
    return Elementwise(surrogate)
  }

  public func run(_ graph: Graph) throws(TypeError) -> Graph {
    try graph.rewritten { (node, _, operands, builder) throws(TypeError) -> Value? in
      guard let replacement = replacement(for: node) else { return nil }
      return try builder.append(replacement, operands)
    }
  }
}
