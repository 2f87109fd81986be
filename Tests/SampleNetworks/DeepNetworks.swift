import IR
import Operators
import TensorTypes

/// Published networks layer by layer, with few channels, small images and random weights.
public enum DeepNetwork: String, CaseIterable, Sendable {
  /// He et al. 2016: 53 convolutions.
  case resNet50
  /// Huang et al. 2017: 168 convolutions.
  case denseNet169

  public static let classCount = 4

  /// Input `image` [1, 3, 32, 32], output `scores` [1, 4].
  public func graph() throws -> Graph {
    var layers = Layers()
    let image = layers.builder.input("image", TensorType(.float32, [1, 3, 32, 32]))
    let features = try self == .resNet50 ? resNet50(image, &layers) : denseNet169(image, &layers)
    let builder = layers.builder
    let pooled = try builder.mean(features, axes: [2, 3])
    let weights = layers.weights([builder.shape(of: pooled)[1], Self.classCount])
    return builder.finish(name: rawValue, outputs: [("scores", try builder.matrixMultiply(pooled, weights))])
  }

  /// Stages of 3, 4, 6 and 3 bottlenecks; the first of each has a projected shortcut.
  private func resNet50(_ image: Value, _ layers: inout Layers) throws -> Value {
    var x = try layers.pooled(try layers.relu(try layers.normalised(try layers.convolution(image, 2, kernel: 7, stride: 2))))
    for (stage, count) in [3, 4, 6, 3].enumerated() {
      for block in 0..<count {
        let stride = stage > 0 && block == 0 ? 2 : 1
        var y = try layers.relu(try layers.normalised(try layers.convolution(x, 2, kernel: 1)))
        y = try layers.relu(try layers.normalised(try layers.convolution(y, 2, kernel: 3, stride: stride)))
        y = try layers.normalised(try layers.convolution(y, 4, kernel: 1))
        let shortcut =
          block == 0 ? try layers.normalised(try layers.convolution(x, 4, kernel: 1, stride: stride)) : x
        x = try layers.relu(try layers.builder.add(y, shortcut))
      }
    }
    return x
  }

  /// Blocks of 6, 12, 32 and 32 layers that each append channels, with halving transitions between.
  private func denseNet169(_ image: Value, _ layers: inout Layers) throws -> Value {
    var x = try layers.pooled(try layers.relu(try layers.normalised(try layers.convolution(image, 2, kernel: 7, stride: 2))))
    for (block, count) in [6, 12, 32, 32].enumerated() {
      for _ in 0..<count {
        var y = try layers.convolution(try layers.relu(try layers.normalised(x)), 2, kernel: 1)
        y = try layers.convolution(try layers.relu(try layers.normalised(y)), 1, kernel: 3)
        x = try layers.builder.append(Concatenate(axis: 1), [x, y])
      }
      guard block < 3 else { break }
      let channels = layers.builder.shape(of: x)[1]
      x = try layers.convolution(try layers.relu(try layers.normalised(x)), channels / 2, kernel: 1)
      let extent = layers.builder.shape(of: x)[2]
      guard extent > 1 else { continue }
      let window = Window(
        kernel: [2, 2], strides: [2, 2], pads: [0, 0], dilations: [1, 1], extents: [extent / 2, extent / 2])
      x = try layers.builder.averagePool(x, window, countingPadding: false, padsHigh: [0, 0])
    }
    return try layers.relu(try layers.normalised(x))
  }
}

private struct Layers {
  let builder = GraphBuilder()
  private var random = Random(seed: 77)
  private var count = 0

  mutating func weights(_ shape: Shape, in range: ClosedRange<Double> = -1...1) -> Value {
    builder.constant(random.tensor(shape, in: range), name: "weight")
  }

  mutating func convolution(_ x: Value, _ channels: Int, kernel: Int, stride: Int = 1) throws -> Value {
    count += 1
    builder.location = Location(node: "layer\(count)")
    return try builder.convolution(
      x, weights([channels, builder.shape(of: x)[1], kernel, kernel]), strides: [stride, stride],
      padsLow: [kernel / 2, kernel / 2], padsHigh: [kernel / 2, kernel / 2], dilations: [1, 1], groups: 1)
  }

  mutating func normalised(_ x: Value) throws -> Value {
    let channels = builder.shape(of: x)[1]
    return try builder.batchNormalization(
      x, scale: weights([channels], in: 0.5...1.5), bias: weights([channels]), mean: weights([channels]),
      variance: weights([channels], in: 0.5...2), epsilon: 1e-5)
  }

  func relu(_ x: Value) throws -> Value { try builder.elementwise(.relu, x) }

  func pooled(_ x: Value) throws -> Value {
    let extent = (builder.shape(of: x)[2] + 1) / 2
    return try builder.maxPool(
      x, Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1], dilations: [1, 1], extents: [extent, extent]))
  }
}
