import IR
import Operators
import TensorTypes

/// RTS (Dabkowski & Gal 2017): a network that was trained to draw, for an image and a class, the mask of what a classifier
/// needs.
///
/// An encoder, a ResNet of bottlenecks that is not the classifier, gives features s2 ... s5 of four sizes; a selector lets
/// of s5 through what resembles the embedding e of the class, s5 · σ(Σ_k s5_k e_k − 6); three blocks double the size and
/// take in the next finer features; and of two last channels a and b the mask is |a| / (|a| + |b| + 1e-8), which is the map,
/// not normalised.
///
/// Widths and depths are those of the weights. Tensors are named, in the manner of torchvision,
///
/// - encoder: `encoder.conv1.weight`, `encoder.bn1.*`, `encoder.layer{1...4}.{0...}.conv{1,2,3}.weight`, `.bn{1,2,3}.*`, and
///   where the shape changes `.downsample.0.weight`, `.downsample.1.*`;
/// - selector: `selector.weight` [classes, channels of s5];
/// - blocks `up2`, `up1`, `up0`: `up2.upsample.weight`, `up2.upsample_bn.*`, `up2.conv{1,2,3}.weight`, `up2.bn{1,2,3}.*`,
///   `up2.project.weight`, `up2.project.bias`;
/// - head: `head.weight` [2, channels, 1, 1], `head.bias`;
/// - the encoder's own classes, which attacks fool too where they are given: `encoder.fc.weight` [classes, channels of s5],
///   `encoder.fc.bias`;
///
/// where `*` stands for `weight`, `bias`, `running_mean` and `running_var` of a batch normalisation with ε = 1e-5.
public struct RealTimeSaliency: Interpreter {
  /// How pixels become the encoder's input.
  public enum Input: String, Sendable, CaseIterable {
    /// 4 (x − 0.5), as where a ResNet is explained.
    case doubled
    /// (x − mean) / deviation of ImageNet, as where a DenseNet is.
    case imagenet
  }

  public let name = "rts"
  /// Outputs `logits` f32[B, N] of the classifier, the features `s2` ... `s5` of the encoder, and, where its weights hold
  /// what they take, its `encoderLogits` f32[B, N].
  public var network: Graph
  public static let encoderLogitsName = "encoderLogits"
  public let mapShape: Shape
  public let sweeps = SweepCounts(forward: 1)
  private let parts: Parts
  /// What the gate takes off.
  static let confidence = 6.0

  /// The constants behind the encoder.
  private struct Parts: Sendable {
    let selector: HostTensor
    let blocks: [Block]
    let head: (filter: HostTensor, bias: HostTensor)
  }

  private typealias Folded = (filter: HostTensor, bias: HostTensor)

  private struct Block: Sendable {
    let upsample: Folded
    let first, second, third, project: Folded
  }

  /// - Throws: `InterpreterError.weights` naming the tensor that is missing or does not fit.
  public init(_ classifier: Classifier, weights: NamedWeights, input: Input = .doubled) throws(InterpreterError) {
    let builder = GraphBuilder(continuing: classifier.graph)
    guard let x = builder.inputs.first, let logits = classifier.graph.output(named: "logits"), classifier.imageShape[1] == 3
    else {
      throw .weights(source: weights.source, problem: "RTS takes images of three channels")
    }
    do {
      let features = try Encoder(weights).append(to: try Self.encoderInput(x, input, in: builder), in: builder)
      let channels = features.map { builder.shape(of: $0)[1] }
      var carried = channels[3]
      var blocks: [Block] = []
      for (name, pass) in [("up2", channels[2]), ("up1", channels[1]), ("up0", channels[0])] {
        let upsample = try weights.folded(name + ".upsample", name + ".upsample_bn", channels: carried)
        let joined = upsample.bias.shape[0] / 4 + pass
        func folded(_ number: Int, _ channels: Int) throws(InterpreterError) -> Folded {
          try weights.folded("\(name).conv\(number)", "\(name).bn\(number)", channels: channels)
        }
        let first = try folded(1, joined)
        let second = try folded(2, first.bias.shape[0])
        let third = try folded(3, second.bias.shape[0])
        carried = third.bias.shape[0]
        let project = (
          filter: try weights.tensor(name + ".project.weight", [carried, joined, 1, 1]),
          bias: try weights.tensor(name + ".project.bias", [carried])
        )
        blocks.append(Block(upsample: upsample, first: first, second: second, third: third, project: project))
      }
      parts = Parts(
        selector: try weights.tensor("selector.weight", [classifier.classCount, channels[3]]), blocks: blocks,
        head: (try weights.tensor("head.weight", [2, carried, 1, 1]), try weights.tensor("head.bias", [2])))
      let own = try Self.encoderLogits(of: features[3], classCount: classifier.classCount, weights, in: builder)
      let finest = builder.shape(of: features[0])
      mapShape = [finest[0], finest[2], finest[3]]
      network = builder.finish(
        name: "rts",
        outputs: [("logits", logits)] + features.enumerated().map { ("s\($0.offset + 2)", $0.element) }
          + [own].compactMap(\.self).map { (Self.encoderLogitsName, $0) })
      // What does not fit is said here, not when a map is drawn.
      let trial = GraphBuilder(continuing: network)
      _ = try appendMap(ofClasses: trial.input("class", TensorType(.int64, [mapShape[0]])), to: trial)
    } catch let error as InterpreterError {
      throw error
    } catch { throw .weights(source: weights.source, problem: "its tensors do not fit one another: \(error)") }
  }

  private static func encoderInput(_ x: Value, _ input: Input, in builder: GraphBuilder) throws(TypeError) -> Value {
    switch input {
    case .doubled: return try builder.multiply(try builder.add(x, -0.5), 4)
    case .imagenet:
      func channels(_ numbers: [Double]) throws(TypeError) -> Value {
        let constant = builder.constant(HostTensor(TensorType(.float32, [3]), .double(numbers)), name: "rts.input")
        return try builder.broadcast(constant, to: builder.shape(of: x), axes: [1])
      }
      let centred = try builder.subtract(x, try channels([0.485, 0.456, 0.406]))
      return try builder.divide(centred, try channels([0.229, 0.224, 0.225]))
    }
  }

  /// Linear in the means of s5; nil without the weights for it.
  private static func encoderLogits(
    of features: Value, classCount: Int, _ weights: NamedWeights, in builder: GraphBuilder
  ) throws -> Value? {
    guard weights.holds("encoder.fc.weight") else { return nil }
    let channels = builder.shape(of: features)[1]
    let matrix = builder.constant(
      try weights.tensor("encoder.fc.weight", [classCount, channels]), name: "rts.encoder.fc.weight")
    let bias = builder.constant(try weights.tensor("encoder.fc.bias", [classCount]), name: "rts.encoder.fc.bias")
    let scores = try builder.matrixMultiply(try builder.mean(features, axes: [2, 3]), try builder.permute(matrix, [1, 0]))
    return try builder.add(scores, try builder.broadcast(bias, to: builder.shape(of: scores), axes: [1]))
  }

  public func appendMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError) -> AttributionMap {
    let features = try (2...5).map { number throws(TypeError) in
      guard let value = network.output(named: "s\(number)") else {
        throw TypeError("rts", "the network lacks its output s\(number)", [])
      }
      return value
    }
    var x = try gated(features[3], classes, in: builder)
    for (block, pass) in zip(parts.blocks, [features[2], features[1], features[0]]) {
      let finer = try builder.pixelShuffle(
        try builder.elementwise(.relu, try builder.convolved(x, block.upsample)))
      x = try builder.bottleneck(
        try builder.append(Concatenate(axis: 1), [finer, pass]), [block.first, block.second, block.third],
        project: block.project)
    }
    let magnitudes = try builder.elementwise(.absolute, try builder.convolved(x, parts.head))
    let kept = try builder.slice(magnitudes, axis: 1, from: 0, to: 1)
    let sum = try builder.add(kept, try builder.slice(magnitudes, axis: 1, from: 1, to: 2))
    let mask = try builder.reshape(try builder.divide(kept, try builder.add(sum, 1e-8)), mapShape)
    let low = try builder.minimum(mask, axes: [1, 2])
    return AttributionMap(
      normalised: mask, low: low, extent: try builder.subtract(try builder.maximum(mask, axes: [1, 2]), low))
  }

  /// s5 · σ(Σ_k s5_k e_k − 6)
  private func gated(_ features: Value, _ classes: Value, in builder: GraphBuilder) throws(TypeError) -> Value {
    let shape = builder.shape(of: features)
    let embedding = try builder.append(
      Gather(axis: 0), [builder.constant(parts.selector, name: "rts.selector"), classes])
    let places = try builder.reshape(features, [shape[0], shape[1], shape[2] * shape[3]])
    let activation = try builder.append(
      MatrixProduct(), [try builder.reshape(embedding, [shape[0], 1, shape[1]]), places])
    let gate = try builder.elementwise(.sigmoid, try builder.add(activation, -Self.confidence))
    let whole = try builder.broadcast(try builder.reshape(gate, [shape[0], 1, shape[2], shape[3]]), to: shape)
    return try builder.multiply(features, whole)
  }
}

/// The ResNet of bottlenecks, with its stride in the 3 × 3 convolution.
private struct Encoder {
  let weights: NamedWeights

  init(_ weights: NamedWeights) { self.weights = weights }

  /// The outputs of the four stages.
  func append(to input: Value, in builder: GraphBuilder) throws -> [Value] {
    let stem = try weights.folded("encoder.conv1", "encoder.bn1", channels: 3)
    var x = try builder.elementwise(.relu, try builder.convolved(input, stem, stride: 2))
    let shape = builder.shape(of: x)
    x = try builder.maxPool(
      x,
      Window(
        kernel: [3, 3], strides: [2, 2], pads: [1, 1], dilations: [1, 1],
        extents: shape.extents[2...].map { ($0 - 1) / 2 + 1 }))
    var features: [Value] = []
    for stage in 1...4 {
      var depth = 0
      while depth == 0 || weights.holds("encoder.layer\(stage).\(depth).conv1.weight") {
        let name = "encoder.layer\(stage).\(depth)"
        let channels = builder.shape(of: x)[1]
        let stride = stage > 1 && depth == 0 ? 2 : 1
        let first = try weights.folded(name + ".conv1", name + ".bn1", channels: channels)
        let second = try weights.folded(name + ".conv2", name + ".bn2", channels: first.bias.shape[0])
        let third = try weights.folded(name + ".conv3", name + ".bn3", channels: second.bias.shape[0])
        let project =
          weights.holds(name + ".downsample.0.weight")
          ? try weights.folded(name + ".downsample.0", name + ".downsample.1", channels: channels) : nil
        x = try builder.bottleneck(x, [first, second, third], project: project, stride: stride)
        depth += 1
      }
      features.append(x)
    }
    return features
  }
}

extension GraphBuilder {
  fileprivate typealias Folded = (filter: HostTensor, bias: HostTensor)

  /// A convolution with bias whose padding keeps the size at stride 1.
  fileprivate func convolved(_ x: Value, _ layer: Folded, stride: Int = 1) throws(TypeError) -> Value {
    let pads = layer.filter.shape.extents[2...].map { $0 / 2 }
    let y = try convolution(
      x, constant(layer.filter, name: "rts.filter"), strides: [stride, stride], padsLow: pads, padsHigh: pads,
      dilations: [1, 1], groups: 1)
    return try addChannelBias(y, constant(layer.bias, name: "rts.bias"))
  }

  /// relu(third(relu(second(relu(first x)))) + project x), the stride being in the second and in the projection.
  fileprivate func bottleneck(_ x: Value, _ layers: [Folded], project: Folded?, stride: Int = 1) throws(TypeError) -> Value {
    var y = try elementwise(.relu, try convolved(x, layers[0]))
    y = try elementwise(.relu, try convolved(y, layers[1], stride: stride))
    y = try convolved(y, layers[2])
    let shortcut = if let project { try convolved(x, project, stride: stride) } else { x }
    return try elementwise(.relu, try add(y, shortcut))
  }

  /// [B, 4 C, H, W] → [B, C, 2 H, 2 W], four channels becoming two by two places.
  fileprivate func pixelShuffle(_ x: Value) throws(TypeError) -> Value {
    let shape = shape(of: x)
    let split = try reshape(x, [shape[0], shape[1] / 4, 2, 2, shape[2], shape[3]])
    return try reshape(
      try permute(split, [0, 1, 4, 2, 5, 3]), [shape[0], shape[1] / 4, 2 * shape[2], 2 * shape[3]])
  }
}
