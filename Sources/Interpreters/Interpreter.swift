import IR
import Operators
import TensorTypes

/// A heatmap for each image: how much each place speaks for a class.
public struct AttributionMap: Sendable {
  /// f32[B, h, w] in [0, 1]: the raw map minus its minimum, divided by its maximum then.
  public let normalised: Value
  /// f32[B]: the minimum of the raw map, and its maximum minus its minimum.
  public let low: Value
  public let extent: Value
}

/// An attribution model in the sense of the paper: from a network and a class to a heatmap, as a part of a graph.
public protocol Interpreter: Sendable {
  /// The name on the command line.
  var name: String { get }
  /// From `x` to `logits` and whatever else of the network the map is made of, each an output. Passes that keep the values
  /// of outputs may replace it.
  var network: Graph { get set }
  /// [B, h, w]
  var mapShape: Shape { get }
  /// Appends the map for one class of each image.
  /// - Parameters:
  ///   - classes: i64[B].
  ///   - builder: continues `network`.
  func appendMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError) -> AttributionMap
  /// Appends the map as the loss of an attack takes it: derivatives in it and of it may be declared ones.
  func appendDifferentiableMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError) -> AttributionMap
  /// What the map costs beside the forward sweep of the network; of second order only where it is part of a loss.
  var sweeps: SweepCounts { get }
}

extension Interpreter {
  public func appendDifferentiableMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError)
    -> AttributionMap
  {
    try appendMap(ofClasses: classes, to: builder)
  }
  public var sweeps: SweepCounts { SweepCounts() }
}

/// What a map is divided by, so that nothing divides by zero.
enum MapDivisor {
  /// The maximum plus a small number.
  case plus(Double)
  /// The maximum, but no less than a small number.
  case atLeast(Double)
}

extension GraphBuilder {
  /// Subtracts the minimum of each map and divides by the maximum that it has then.
  func normalised(_ raw: Value, divisor: MapDivisor) throws(TypeError) -> AttributionMap {
    let batch = shape(of: raw)[0]
    let low = try minimum(raw, axes: [1, 2], keepAxes: true)
    let shifted = try subtract(raw, low)
    let extent = try maximum(shifted, axes: [1, 2], keepAxes: true)
    let bounded =
      switch divisor {
      case .plus(let number): try add(extent, number)
      case .atLeast(let number): try elementwise(.maximum, extent, scalar(number, like: extent))
      }
    return AttributionMap(
      normalised: try divide(shifted, bounded), low: try reshape(low, [batch]),
      extent: try reshape(extent, [batch]))
  }
}
