import Autodiff
import IR
import Operators
import Passes
import TensorTypes

/// Grad-CAM (Selvaraju et al. 2017; appendix A1 of the paper): the feature maps that speak for a class, weighted by how
/// strongly.
///
///     w_k = the mean over places of ∂z_c / ∂A_k,  m[i, j] = max(Σ_k w_k · A_k[i, j], 0)
///
/// z_c is the logit. On the features of a linear layer that takes their mean this is the positive part of CAM, divided by
/// the number of places. A map without a positive place is zero everywhere, before and after it is normalised.
public struct GradientClassActivationMap: Interpreter {
  /// How the weights w enter the loss of an attack; maps are the same.
  public enum Weights: String, Sendable, CaseIterable {
    /// As numbers.
    case constant
    /// As functions of the image: derivatives of derivatives, through a copy of the network with another derivative in
    /// place of that of ReLU, as for GRAD.
    case differentiated
  }

  public let name = "grad-cam"
  /// Outputs `logits` f32[B, N] and `features` [B, K, h, w].
  public var network: Graph
  public let weights: Weights
  /// That of ReLU, Clip and LeakyRelu in the copy of the network that differentiated weights come from.
  public var derivative = KinkDerivative.smoothed
  /// The ONNX node of the feature map, and its operator.
  public let featureNode: String?
  public let featureOperation: String
  /// [B, K, h, w]
  public let featureShape: Shape

  public var mapShape: Shape { [featureShape[0], featureShape[2], featureShape[3]] }
  public var sweeps: SweepCounts { SweepCounts(backward: 1, secondOrder: weights == .differentiated ? 1 : 0) }

  /// - Throws: `InterpreterError.noFeatureMap` for a model without the layer.
  public init(_ classifier: Classifier, layer: FeatureLayer = .last, weights: Weights = .constant) throws(InterpreterError) {
    let graph = classifier.graph
    guard let logits = graph.output(named: "logits") else {
      throw .noFeatureMap(wanted: "a feature map", found: "it has no logits")
    }
    let map = try FeatureMap(layer, of: graph, scores: logits)
    self.weights = weights
    featureNode = graph[map.value].location.node
    featureOperation = graph[map.value].operation?.mnemonic ?? "input"
    let shape = graph[map.value].type.shape
    channelsLast = map.channelsLast
    featureShape = map.channelsLast ? [shape[0], shape[3], shape[1], shape[2]] : shape
    network = Graph(
      name: graph.name, nodes: graph.nodes, inputs: graph.inputs,
      outputs: graph.outputs + [Graph.Output(name: "features", value: map.value)], isClosed: graph.isClosed)
  }

  /// Whether the feature map is [B, h, w, K].
  private let channelsLast: Bool

  public func appendMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError) -> AttributionMap {
    try appendMap(weightsFrom: network.values, classes, to: builder)
  }

  public func appendDifferentiableMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError)
    -> AttributionMap
  {
    switch weights {
    case .constant: try appendMap(weightsFrom: network.values, classes, to: builder)
    case .differentiated:
      try appendMap(
        weightsFrom: try builder.appendCopy(of: network, SubstituteDerivatives(all: derivative)), classes, to: builder)
    }
  }

  /// - Parameter values: for each value of the network the one whose derivatives make the weights.
  private func appendMap(weightsFrom values: [Value], _ classes: Value, to builder: GraphBuilder) throws(TypeError)
    -> AttributionMap
  {
    guard let logits = network.output(named: "logits"), let features = network.output(named: "features") else {
      throw TypeError("gradientClassActivationMap", "the network lacks its outputs logits and features", [])
    }
    let score = try builder.append(Take(batchRank: 1), [values[logits.index], classes])
    let seed = try builder.broadcast(builder.scalar(1, like: score), to: builder.shape(of: score))
    let gradient = try builder.pullback([(score, seed)], to: [values[features.index]])[0]
    let shape = featureShape
    let places = channelsLast ? [1, 2] : [2, 3]
    var channels = try builder.reshape(try builder.mean(gradient, axes: places), [shape[0], 1, shape[1]])
    if weights == .constant { channels = try builder.elementwise(.stopGradient, channels) }
    let count = shape[2] * shape[3]
    let maps = try builder.reshape(features, channelsLast ? [shape[0], count, shape[1]] : [shape[0], shape[1], count])
    let sum = try builder.append(MatrixProduct(transposeRight: channelsLast), [channels, maps])
    let raw = try builder.elementwise(.relu, try builder.reshape(sum, mapShape))
    return try builder.normalised(raw, divisor: .atLeast(1e-8))
  }
}
