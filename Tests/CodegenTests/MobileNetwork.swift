import Autodiff
import IR
import Operators
import TensorTypes
import TestSupport

/// A small network of inverted residuals (Sandler et al., 2018), as EfficientNet-Lite is built of: pointwise expansion,
/// depthwise convolution, pointwise projection, clipped ReLUs, residual sums; with the gradient of its first score.
struct MobileNetwork {
  private let builder = GraphBuilder()
  private var generator = SeededGenerator(seed: 26)

  /// - Returns: inputs x f32[batch,3,31,29]; outputs `scores` f32[batch,10] and `gradient`, of x's shape.
  static func sample(batch: Int) throws -> SampleGraph {
    var network = MobileNetwork()
    let shape: Shape = [batch, 3, 31, 29]
    let graph = try network.graph(shape)
    return SampleGraph(graph: graph, inputs: [network.generator.tensor(shape).roundedToFloat])
  }

  private mutating func graph(_ shape: Shape) throws -> Graph {
    let x = builder.input("x", TensorType(.float32, shape))
    var y = try clipped(try layer(x, 24, kernel: 3, stride: 2))
    y = try block(y, 16, expansion: 1, kernel: 3, stride: 1)
    y = try block(y, 24, expansion: 6, kernel: 3, stride: 2)
    y = try block(y, 24, expansion: 6, kernel: 3, stride: 1)
    y = try block(y, 40, expansion: 6, kernel: 5, stride: 2)
    y = try block(y, 40, expansion: 6, kernel: 5, stride: 1)
    y = try clipped(try layer(y, 112, kernel: 1, stride: 1))
    let weights = builder.constant(generator.tensor([112, 10], in: -0.3...0.3).roundedToFloat, name: "weights")
    let scores = try builder.matrixMultiply(try builder.mean(y, axes: [2, 3]), weights)
    let first = try builder.slice(scores, axis: 1, from: 0, to: 1)
    let one = try builder.broadcast(builder.scalar(1), to: [shape[0], 1])
    let gradient = try builder.pullback([(first, one)], to: [x])[0]
    return builder.finish(name: "mobile", outputs: [("scores", scores), ("gradient", gradient)])
  }

  private func clipped(_ x: Value) throws -> Value { try builder.clip(x, 0, 6) }

  private mutating func block(_ x: Value, _ channels: Int, expansion: Int, kernel: Int, stride: Int) throws -> Value {
    let own = builder.shape(of: x)[1]
    let wide = expansion == 1 ? x : try clipped(try layer(x, own * expansion, kernel: 1, stride: 1))
    let filtered = try clipped(
      try layer(wide, own * expansion, kernel: kernel, stride: stride, groups: own * expansion))
    let y = try layer(filtered, channels, kernel: 1, stride: 1)
    return stride == 1 && channels == own ? try builder.add(y, x) : y
  }

  /// A convolution with bias whose weights keep the size of what they are given.
  private mutating func layer(_ x: Value, _ channels: Int, kernel: Int, stride: Int, groups: Int = 1) throws -> Value {
    let own = builder.shape(of: x)[1] / groups
    let bound: Double = (6 / Double(own * kernel * kernel)).squareRoot()
    let filter = builder.constant(
      generator.tensor([channels, own, kernel, kernel], in: -bound...bound).roundedToFloat, name: "filter")
    let pad = kernel / 2
    let y = try builder.convolution(
      x, filter, strides: [stride, stride], padsLow: [pad, pad], padsHigh: [pad, pad], dilations: [1, 1], groups: groups)
    return try builder.addChannelBias(
      y, builder.constant(generator.tensor([channels], in: -0.4...0.4).roundedToFloat, name: "bias"))
  }
}
