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
public struct GradientMap: PixelInterpreter {
  public let name = "grad"
  /// Outputs `logits` f32[B, N].
  public var network: Graph
  /// The derivative of ReLU, Clip and LeakyRelu in a second copy of the network, of which the map in a loss is made; the map
  /// itself is that of the network as it is. With `plain` the loss takes its map from the network itself.
  public var derivative: KinkDerivative
  public let pixels: PixelMap

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
    pixels = PixelMap(imageShape: classifier.imageShape)
  }

  /// The same interpreter on one copy of the network, which has the other derivative itself: the loss of the prediction goes
  /// through it too, and a step takes four sweeps of the network instead of five.
  public func withOneCopy() throws(TypeError) -> GradientMap {
    var interpreter = self
    interpreter.network = try SubstituteDerivatives(all: derivative).run(network)
    return interpreter
  }

  public var smallestExtent: Double { score == .logOdds ? 1e-30 : 1e-8 }

  public func appendAttribution(through values: [Value], ofClasses classes: Value, to builder: GraphBuilder)
    throws(TypeError) -> Value
  {
    let (x, logits) = try ends(of: values, in: builder)
    let objective: Value
    var weight = 1.0
    switch score {
    case .logOdds: objective = try builder.logOdds(logits, of: classes)
    case .meanCrossEntropy:
      objective = try builder.append(Take(batchRank: 1), [try builder.logSoftmax(logits, axes: [1]), classes])
      weight = -1 / Double(mapShape[0])
    }
    let seed = try builder.broadcast(builder.scalar(weight, like: objective), to: builder.shape(of: objective))
    return try builder.pullback([(objective, seed)], to: [x])[0]
  }
}

extension GraphBuilder {
  /// log(p_c / (1 − p_c)) = z_c − log Σ_{k ≠ c} exp z_k, f32[B], from logits [B, N] and classes i64[B].
  public func logOdds(_ logits: Value, of classes: Value) throws(TypeError) -> Value {
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
