import Autodiff
import IR
import Operators
import Passes
import TensorTypes

/// GRAD (Simonyan et al. 2014; equation 5 of the paper): how strongly each place of the image moves the score of a class.
///
///     g = ∂/∂x (z_c − log Σ_{k ≠ c} exp z_k),  m[i, j] = the mean over a k × k window of max over channels of |g|
///
/// The log-odds have a gradient parallel to that of the probability p_c and of log p_c, so that the normalised maps of all
/// three are one; but theirs does not vanish with 1 − p_c. The first of equal channels wins.
public struct GradientMap: Interpreter {
  public let name = "grad"
  /// Outputs `logits` f32[B, N].
  public var network: Graph
  /// The derivative of ReLU, Clip and LeakyRelu in a second copy of the network, of which the map in a loss is made; the map
  /// itself is that of the network as it is. With `plain` the loss takes its map from the network itself.
  public let derivative: KinkDerivative
  /// k: 4 for images of 112 pixels and more, 2 for 32 to 111, 1 below.
  public let poolingSize: Int
  /// [B, h, w]: whole windows, the remainder being cut off on both sides alike.
  public let mapShape: Shape

  /// The number whose gradient the map shows.
  public enum Score: String, Sendable, CaseIterable {
    /// Of each image for itself.
    case logOdds
    /// −log p_c, averaged over the batch, as in the code published with the paper: it vanishes with 1 − p_c, so that the
    /// map of a confident prediction is rounding in f32, and depends on the batch size.
    case meanCrossEntropy
  }

  public let score: Score
  public let sweeps = SweepCounts(backward: 1, secondOrder: 1)

  public init(_ classifier: Classifier, derivative: KinkDerivative = .smoothed, score: Score = .logOdds) {
    network = classifier.graph
    self.derivative = derivative
    self.score = score
    let shape = classifier.imageShape
    poolingSize = Self.poolingSize(imageShape: shape)
    mapShape = [shape[0], shape[2] / poolingSize, shape[3] / poolingSize]
  }

  private static func poolingSize(imageShape: Shape) -> Int {
    let side = min(imageShape[2], imageShape[3])
    return side >= 112 ? 4 : side >= 32 ? 2 : 1
  }

  /// In a sentence what of images [B, C, H, W] is not in their maps; nil where the windows fill them.
  public static func remark(imageShape: Shape) -> String? {
    let size = poolingSize(imageShape: imageShape)
    let (height, width) = (imageShape[2], imageShape[3])
    guard height % size + width % size > 0 else { return nil }
    return "GRAD averages windows of \(size) x \(size) pixels: of images of \(height) x \(width) it takes the middle "
      + "\(height - height % size) x \(width - width % size)"
  }

  /// The same interpreter on one copy of the network, which has the other derivative itself: the loss of the prediction goes
  /// through it too, and a step takes four sweeps of the network instead of five.
  public func withOneCopy() throws(TypeError) -> GradientMap {
    var interpreter = self
    interpreter.network = try SubstituteDerivatives(all: derivative).run(network)
    return interpreter
  }

  public func appendMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError) -> AttributionMap {
    try appendMap(of: try logits(of: network.values), classes, to: builder)
  }

  public func appendDifferentiableMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError)
    -> AttributionMap
  {
    let substitution = SubstituteDerivatives(all: derivative)
    return try appendMap(of: try logits(of: builder.appendCopy(of: network, substitution)), classes, to: builder)
  }

  /// The logits among the values that stand for those of the network.
  private func logits(of values: [Value]) throws(TypeError) -> Value {
    guard let logits = network.output(named: "logits") else {
      throw TypeError("gradientMap", "the network lacks its output logits", [])
    }
    return values[logits.index]
  }

  private func appendMap(of logits: Value, _ classes: Value, to builder: GraphBuilder) throws(TypeError) -> AttributionMap {
    guard let x = builder.inputs.first else { throw TypeError("gradientMap", "the network lacks its input x", []) }
    let objective: Value
    var weight = 1.0
    switch score {
    case .logOdds: objective = try builder.logOdds(logits, of: classes)
    case .meanCrossEntropy:
      objective = try builder.append(Take(batchRank: 1), [try builder.logSoftmax(logits, axes: [1]), classes])
      weight = -1 / Double(mapShape[0])
    }
    let seed = try builder.broadcast(builder.scalar(weight, like: objective), to: builder.shape(of: objective))
    let gradient = try builder.pullback([(objective, seed)], to: [x])[0]
    let strongest = try builder.maximum(try builder.elementwise(.absolute, gradient), axes: [1], keepAxes: true)
    return try builder.normalised(
      try pooled(strongest, in: builder), divisor: .atLeast(score == .logOdds ? 1e-30 : 1e-8))
  }

  /// The means of the windows, [B, h, w].
  private func pooled(_ x: Value, in builder: GraphBuilder) throws(TypeError) -> Value {
    guard poolingSize > 1 else { return try builder.reshape(x, mapShape) }
    var x = x
    for axis in 2...3 {
      let extent = builder.shape(of: x)[axis]
      let kept = mapShape[axis - 1] * poolingSize
      let low = (extent - kept) / 2
      x = try builder.slice(x, axis: axis, from: low, to: low + kept)
    }
    let window = Window(
      kernel: [poolingSize, poolingSize], strides: [poolingSize, poolingSize], pads: [0, 0], dilations: [1, 1],
      extents: [mapShape[1], mapShape[2]])
    return try builder.reshape(
      try builder.averagePool(x, window, countingPadding: false, padsHigh: [0, 0]), mapShape)
  }
}

extension GraphBuilder {
  /// log(p_c / (1 − p_c)) = z_c − log Σ_{k ≠ c} exp z_k, f32[B], from logits [B, N] and classes i64[B].
  func logOdds(_ logits: Value, of classes: Value) throws(TypeError) -> Value {
    let others = try self.logits(logits, without: classes)
    let own = try append(Take(batchRank: 1), [logits, classes])
    return try subtract(own, try reshape(try logSumExp(others, axes: [1]), [shape(of: logits)[0]]))
  }

  /// Logits [B, N] with −∞ in place of that of one class of each image.
  public func logits(_ logits: Value, without classes: Value) throws(TypeError) -> Value {
    let shape = shape(of: logits)
    let numbers = constant(HostTensor([shape[1]], (0..<Int64(shape[1])).map { $0 }), name: "classes")
    let isClass = try append(
      Elementwise(.equal), [try broadcast(numbers, to: shape, axes: [1]), try broadcast(classes, to: shape, axes: [0])])
    return try elementwise(.select, isClass, scalar(-.infinity, like: logits), logits)
  }

  /// Appends a copy of a network that this builder continues, with other derivatives. What lies ahead of the first
  /// substituted operation is no copy: it has the same derivative.
  /// - Returns: for each node of the network the value that stands for it.
  func appendCopy(of network: Graph, _ substitution: SubstituteDerivatives) throws(TypeError) -> [Value] {
    var renamed = network.values
    let outer = location
    defer { location = outer }
    for (index, node) in network.nodes.enumerated() {
      guard let operation = node.operation else { continue }
      let operands = node.operands.map { renamed[$0.index] }
      let replacement = substitution.replacement(for: node)
      guard replacement != nil || operands != node.operands else { continue }
      location = node.location
      renamed[index] = try append(replacement ?? operation, operands)
    }
    return renamed
  }
}
