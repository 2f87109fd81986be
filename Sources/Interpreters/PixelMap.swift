import Autodiff
import IR
import Operators
import Passes
import TensorTypes

/// How attributions to the values of an image become its map: the strongest channel of each pixel, averaged over windows.
///
///     m[i, j] = the mean over a k × k window of max over channels of |a|
public struct PixelMap: Sendable, Equatable {
  /// k: 4 for images of 112 pixels and more, 2 for 32 to 111, 1 below.
  public let poolingSize: Int
  /// [B, h, w]: whole windows, the remainder being cut off on both sides alike.
  public let shape: Shape

  /// - Parameter imageShape: [B, C, H, W]
  public init(imageShape: Shape) {
    let side = min(imageShape[2], imageShape[3])
    poolingSize = side >= 112 ? 4 : side >= 32 ? 2 : 1
    shape = [imageShape[0], imageShape[2] / poolingSize, imageShape[3] / poolingSize]
  }

  /// In a sentence what of images [B, C, H, W] is not in the maps of an interpreter; nil where the windows fill them.
  public static func remark(imageShape: Shape, interpreter: String) -> String? {
    let size = PixelMap(imageShape: imageShape).poolingSize
    let (height, width) = (imageShape[2], imageShape[3])
    guard height % size + width % size > 0 else { return nil }
    return "\(interpreter.uppercased()) averages windows of \(size) x \(size) pixels: of images of \(height) x \(width) it "
      + "takes the middle \(height - height % size) x \(width - width % size)"
  }

  /// From attributions [B, C, H, W]; the first of equal channels wins.
  func append(_ attribution: Value, smallestExtent: Double, to builder: GraphBuilder) throws(TypeError) -> AttributionMap {
    let strongest = try builder.maximum(try builder.elementwise(.absolute, attribution), axes: [1], keepAxes: true)
    return try builder.normalised(try pooled(strongest, in: builder), divisor: .atLeast(smallestExtent))
  }

  /// The means of the windows, [B, h, w].
  private func pooled(_ x: Value, in builder: GraphBuilder) throws(TypeError) -> Value {
    guard poolingSize > 1 else { return try builder.reshape(x, shape) }
    var x = x
    for axis in 2...3 {
      let extent = builder.shape(of: x)[axis]
      let kept = shape[axis - 1] * poolingSize
      let low = (extent - kept) / 2
      x = try builder.slice(x, axis: axis, from: low, to: low + kept)
    }
    let window = Window(
      kernel: [poolingSize, poolingSize], strides: [poolingSize, poolingSize], pads: [0, 0], dilations: [1, 1],
      extents: [shape[1], shape[2]])
    return try builder.reshape(
      try builder.averagePool(x, window, countingPadding: false, padsHigh: [0, 0]), shape)
  }
}

/// An interpreter that says of every value of the image how much it speaks for a class.
///
/// The loss of an attack takes its map from a second copy of the network, in which ReLU, Clip and LeakyRelu have another
/// derivative (section 3.2 of the paper); the map itself is that of the network as it is.
public protocol PixelInterpreter: Interpreter {
  var pixels: PixelMap { get }
  /// That of ReLU, Clip and LeakyRelu in the second copy; with `plain` there is none.
  var derivative: KinkDerivative { get set }
  /// What a map is divided by at least.
  var smallestExtent: Double { get }
  /// Appends the attributions, [B, C, H, W].
  /// - Parameter values: for each value of `network` the one that stands for it.
  func appendAttribution(through values: [Value], ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError)
    -> Value
}

extension PixelInterpreter {
  public var mapShape: Shape { pixels.shape }
  public var smallestExtent: Double { 1e-30 }
  public var sweeps: SweepCounts { SweepCounts(backward: 1, secondOrder: 1) }

  public func appendMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError) -> AttributionMap {
    try appendMap(through: network.values, classes, to: builder)
  }

  public func appendDifferentiableMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError)
    -> AttributionMap
  {
    let copy = try builder.appendCopy(of: network, SubstituteDerivatives(all: derivative))
    return try appendMap(through: copy, classes, to: builder)
  }

  private func appendMap(through values: [Value], _ classes: Value, to builder: GraphBuilder) throws(TypeError)
    -> AttributionMap
  {
    let attribution = try appendAttribution(through: values, ofClasses: classes, to: builder)
    return try pixels.append(attribution, smallestExtent: smallestExtent, to: builder)
  }

  /// The image, and the logits among the values that stand for those of the network.
  func ends(of values: [Value], in builder: GraphBuilder) throws(TypeError) -> (x: Value, logits: Value) {
    guard let logits = network.output(named: "logits"), let x = builder.inputs.first else {
      throw TypeError(name, "the network lacks its input x or its output logits", [])
    }
    return (x, values[logits.index])
  }

  /// The gradient of the logits of the classes with respect to the image, [B, C, H, W].
  func logitGradient(
    through values: [Value], ofClasses classes: Value, rule: (any PullbackRule)? = nil, in builder: GraphBuilder
  ) throws(TypeError) -> Value {
    let (x, logits) = try ends(of: values, in: builder)
    let score = try builder.append(Take(batchRank: 1), [logits, classes])
    let one = try builder.broadcast(builder.scalar(1, like: score), to: builder.shape(of: score))
    return try builder.pullback([(score, one)], to: [x], rule: rule)[0]
  }
}
