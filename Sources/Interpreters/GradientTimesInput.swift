import IR
import Operators
import TensorTypes

/// Gradient × Input (Shrikumar et al. 2016): a = x ⊙ ∂z_c / ∂x, with x the pixels in [0, 1].
public struct GradientTimesInput: PixelInterpreter {
  public let name = "gradient-input"
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
    let gradient = try logitGradient(through: values, ofClasses: classes, in: builder)
    return try builder.multiply(try ends(of: values, in: builder).x, gradient)
  }
}
