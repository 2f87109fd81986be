import Autodiff
import IR
import Operators
import Passes
import TensorTypes

/// Interpreters that average the gradient of a class over several images made of one: integrated gradients and SmoothGrad.
///
///     a = d ⊙ the mean over k of ∇f at s_k · x + o_k
///
/// The graphs are of one sample, so that memory does not grow with their number; what s and o are is the runner's.
public struct SampledGradient: Sendable {
  public enum Form: Sendable, Equatable {
    /// Integrated gradients (Sundararajan et al. 2017; equation 11 of the paper): d = x − x̄ and f = p_c, of samples between
    /// x̄ and x. Σ a approaches p_c(x) − p_c(x̄) as they become many. x̄ is the baseline.
    case integrated(baseline: Baseline)
    /// SmoothGrad (Smilkov et al. 2017): d = 1 and f = z_c, of samples with noise.
    case smooth
  }

  public let form: Form
  /// From `x` to `logits`.
  public var network: Graph
  /// The derivative of ReLU, Clip and LeakyRelu in the loss of an attack; maps are those of the network as it is.
  public var derivative = KinkDerivative.smoothed
  public let pixels: PixelMap
  public var mapShape: Shape { pixels.shape }

  public init(_ classifier: Classifier, _ form: Form) {
    self.form = form
    network = classifier.graph
    pixels = PixelMap(imageShape: classifier.imageShape)
  }

  /// Appends ∇f, [B, C, H, W], at images of the network's kind.
  /// - Parameter derivative: that of ReLU, Clip and LeakyRelu.
  public func appendGradient(
    at image: Value, ofClasses classes: Value, derivative: KinkDerivative, to builder: GraphBuilder
  ) throws(TypeError) -> Value {
    let copy = try SubstituteDerivatives(all: derivative).run(network)
    guard let output = copy.output(named: "logits") else {
      throw TypeError("sampledGradient", "the network lacks its output logits", [])
    }
    let logits = try builder.inline(copy, inputs: [copy.inputs[0]: image])[output.index]
    let scores = form == .smooth ? logits : try builder.softmax(logits, axes: [1])
    let score = try builder.append(Take(batchRank: 1), [scores, classes])
    let one = try builder.broadcast(builder.scalar(1, like: score), to: builder.shape(of: score))
    return try builder.pullback([(score, one)], to: [image])[0]
  }

  /// Appends the attributions to the values of `x`, [B, C, H, W], from the mean gradient.
  public func appendAttribution(_ gradient: Value, x: Value, to builder: GraphBuilder) throws(TypeError) -> Value {
    guard case .integrated(let baseline) = form else { return gradient }
    return try builder.multiply(try builder.subtract(x, try builder.baseline(baseline, like: x)), gradient)
  }

  /// Appends the map of attributions.
  public func appendMap(of attribution: Value, to builder: GraphBuilder) throws(TypeError) -> AttributionMap {
    try pixels.append(attribution, smallestExtent: 1e-30, to: builder)
  }
}
