import IR
import Operators
import TensorTypes

/// Small random networks of two convolutions that end in a linear layer on pooled features, in the forms that exporters
/// give it.
public enum PooledClassifier: String, CaseIterable, Sendable {
  /// GlobalAveragePool, Flatten, Gemm with transposed weights and a bias.
  case generalProduct
  /// ReduceMean without its axes, MatMul, Add.
  case matrixMultiply
  /// AveragePool over the whole map, 1 × 1 Conv with bias, Flatten.
  case pointwiseConvolution
  /// Places flattened, mean over them, then MatMul.
  case flattenedPlaces
  /// NHWC features, summed and divided.
  case channelsLast
  /// 1 × 1 Conv to class maps with bias, then GlobalAveragePool.
  case pooledClassMaps
  /// A factor on the pooled features and another on the logits.
  case scaled
  case softmax
  case logSoftmax

  public static let classCount = 5, size = 12, featureCount = 6

  /// Input `image` [B, 3, 12, 12], output `scores` [B, 5]; the feature map is [B, 6, 6, 6].
  public func graph(batch: Int, seed: UInt64 = 1, smooth: Bool = false) throws -> Graph {
    try graph(batch: batch, seed: seed) { smooth ? try $0.softplus($1) : try $0.elementwise(.relu, $1) }
  }

  public func graph(batch: Int, seed: UInt64 = 1, activation: (GraphBuilder, Value) throws -> Value) throws -> Graph {
    let builder = GraphBuilder()
    var random = Random(seed: seed)
    let image = builder.input("image", TensorType(.float32, [batch, 3, Self.size, Self.size]))
    func convolution(_ x: Value, _ channels: Int, stride: Int, _ name: String) throws -> Value {
      builder.location = Location(node: name)
      let filter = builder.constant(
        random.tensor([channels, builder.shape(of: x)[1], 3, 3], in: -0.6...0.6), name: "\(name).weight")
      let y = try builder.convolution(
        x, filter, strides: [stride, stride], padsLow: [1, 1], padsHigh: [1, 1], dilations: [1, 1], groups: 1)
      return try activation(
        builder,
        try builder.addChannelBias(y, builder.constant(random.tensor([channels], in: -0.2...0.2), name: "\(name).bias")))
    }
    let stem = try convolution(image, 4, stride: 2, "stem")
    let features = try convolution(stem, Self.featureCount, stride: 1, "last")
    let scores = try head(features, builder, &random)
    return builder.finish(name: "pooled", outputs: [("scores", scores)])
  }

  private func head(_ features: Value, _ builder: GraphBuilder, _ random: inout Random) throws -> Value {
    builder.location = Location(node: "classify")
    let shape = builder.shape(of: features)
    let batch = shape[0]
    let k = shape[1]
    let classes = Self.classCount
    let bias = builder.constant(random.tensor([classes]), name: "classify.bias")
    func weights(_ shape: Shape) -> Value { builder.constant(random.tensor(shape), name: "classify.weight") }
    func linear(_ pooled: Value) throws -> Value {
      try builder.add(try builder.matrixMultiply(try builder.reshape(pooled, [batch, k]), weights([k, classes])), bias)
    }
    func pointwise(_ x: Value) throws -> Value {
      let y = try builder.convolution(
        x, weights([classes, k, 1, 1]), strides: [1, 1], padsLow: [0, 0], padsHigh: [0, 0], dilations: [1, 1], groups: 1)
      return try builder.addChannelBias(y, bias)
    }
    switch self {
    case .generalProduct:
      let pooled = try builder.reshape(try builder.mean(features, axes: [2, 3], keepAxes: true), [batch, k])
      return try builder.add(
        try builder.append(MatrixProduct(transposeRight: true), [pooled, weights([classes, k])]), bias)
    case .matrixMultiply: return try linear(try builder.mean(features, axes: [2, 3]))
    case .pointwiseConvolution:
      let window = Window(
        kernel: Array(shape.extents[2...]), strides: [1, 1], pads: [0, 0], dilations: [1, 1], extents: [1, 1])
      let pooled = try builder.averagePool(features, window, countingPadding: false, padsHigh: [0, 0])
      return try builder.reshape(try pointwise(pooled), [batch, classes])
    case .flattenedPlaces:
      let places = try builder.reshape(features, [batch, k, shape[2] * shape[3]])
      return try linear(try builder.mean(places, axes: [2]))
    case .channelsLast:
      let last = try builder.elementwise(.relu, try builder.permute(features, [0, 2, 3, 1]))
      let sum = try builder.sum(last, axes: [1, 2], keepAxes: true)
      let count = builder.scalar(Double(shape[2] * shape[3]), like: sum)
      return try linear(try builder.permute(try builder.divide(sum, count), [0, 3, 1, 2]))
    case .pooledClassMaps: return try builder.mean(try pointwise(features), axes: [2, 3])
    case .scaled:
      let pooled = try builder.multiply(try builder.mean(features, axes: [2, 3]), 0.25)
      let product = try builder.matrixMultiply(pooled, weights([k, classes]))
      return try builder.add(try builder.multiply(product, -3), bias)
    case .softmax: return try builder.softmax(try linear(try builder.mean(features, axes: [2, 3])), axes: [1])
    case .logSoftmax: return try builder.logSoftmax(try linear(try builder.mean(features, axes: [2, 3])), axes: [1])
    }
  }
}
