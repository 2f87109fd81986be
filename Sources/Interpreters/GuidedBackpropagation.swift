import Autodiff
import IR
import Operators
import TensorTypes

/// Guided backpropagation (Springenberg et al. 2015): the gradient of the logit, of which ReLU, Clip and LeakyRelu let pass
/// only what is positive.
///
///     a_z = max(a_y, 0) · f'(z) at y = f(z)
///
/// As a rule of the way back and not as a declared derivative it leaves the way forward alone, so that an attack
/// differentiates the map as it is.
public struct GuidedBackpropagation: PixelInterpreter {
  public let name = "guided-backprop"
  public var network: Graph
  public var derivative = KinkDerivative.smoothed
  public let pixels: PixelMap

  public init(_ classifier: Classifier) {
    network = classifier.graph
    pixels = PixelMap(imageShape: classifier.imageShape)
  }

  public func appendAttribution(through values: [Value], ofClasses classes: Value, to builder: GraphBuilder)
    throws(TypeError) -> Value
  {
    try logitGradient(through: values, ofClasses: classes, rule: Rule(), in: builder)
  }

  private struct Rule: PullbackRule {
    func terms(of node: Node, _ result: Value, cotangent: Value, active: [Value], in builder: GraphBuilder)
      throws(TypeError) -> [(operand: Value, cotangent: Value)]?
    {
      guard let function = (node.operation as? Elementwise)?.function, KinkDerivative.guided.isDefined(on: function) else {
        return nil
      }
      let positive = try builder.elementwise(.relu, cotangent)
      return try builder.terms(of: node, result, cotangent: positive, active: active)
    }
  }
}
