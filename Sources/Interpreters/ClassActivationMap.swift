import IR
import Operators
import TensorTypes

/// CAM (Zhou et al. 2016; equation 6 of the paper): m_c[i, j] = Σ_k W[c, k] · A_k[i, j].
///
/// A is the feature map that is pooled into the linear layer with weights W; the bias is ignored. With A averaged,
/// Σ_ij m_c[i, j] / (h · w) + bias[c] = z_c: other pooling factors are absorbed in W, so that this holds for every model.
public struct ClassActivationMap: Interpreter {
  /// What was taken for the parts of the map.
  public struct Layer: Sendable, Equatable {
    /// The ONNX node of the linear layer, and of the feature map's producer.
    public let node: String?
    public let operation: String
    public let featureNode: String?
    public let featureOperation: String
    /// [B, K, h, w]
    public let featureShape: Shape
    public let classCount: Int

    public var description: String {
      let features = "\(featureOperation)\(featureNode.map { " \($0)" } ?? "") \(featureShape)"
      return operation.isEmpty
        ? "pooled class maps \(features)"
        : "\(operation)\(node.map { " \($0)" } ?? "") [\(classCount),\(featureShape[1])] on pooled \(features)"
    }
  }

  public let name = "cam"
  /// Outputs `logits` f32[B, N], `features` f32[B, K, h, w] and `classWeights` f32[N, K] or [K, N].
  public var network: Graph
  public let layer: Layer
  private let classAxis: Int

  public var mapShape: Shape {
    [layer.featureShape[0], layer.featureShape[2], layer.featureShape[3]]
  }

  /// Finds features and weights by structure, not by names or kinds of ONNX operators.
  /// - Throws: `InterpreterError.noClassActivationMap` naming what stands where pooled features or a linear layer should.
  public init(_ classifier: Classifier) throws(InterpreterError) {
    let graph = classifier.graph
    guard let logits = graph.output(named: "logits") else { throw .noClassActivationMap(found: "it has no logits") }
    let head = try PooledLinearHead(of: graph, logits: logits)
    let builder = GraphBuilder(continuing: graph)
    do {
      var features = head.features
      if head.channelsLast { features = try builder.permute(features, [0, 3, 1, 2]) }
      let shape = builder.shape(of: features)
      guard shape[2] * shape[3] > 1 else {
        throw InterpreterError.noClassActivationMap(
          found: "the feature map \(graph.words(for: head.features)) has a single place")
      }
      var weights: Value
      if let matrix = head.weights {
        classAxis = matrix.classAxis
        weights = try builder.reshape(
          matrix.value, matrix.classAxis == 0 ? [classifier.classCount, shape[1]] : [shape[1], classifier.classCount])
      } else {
        classAxis = 0
        weights = builder.constant(.identity(shape[1]), name: "cam.identity")
      }
      // z = scale · Σ_ij m: the mean over the map has scale 1 / (h · w).
      let factor = head.scale * Double(shape[2] * shape[3])
      if abs(factor - 1) > 1e-6 { weights = try builder.multiply(weights, factor) }
      network = builder.finish(
        name: graph.name, outputs: [("logits", logits), ("features", features), ("classWeights", weights)]
      ).withoutDeadNodes()
      layer = Layer(
        node: graph[head.layer].location.node,
        operation: head.weights == nil ? "" : graph[head.layer].operation?.mnemonic ?? "",
        featureNode: graph[head.features].location.node,
        featureOperation: graph[head.features].operation?.mnemonic ?? "input", featureShape: shape,
        classCount: classifier.classCount)
    } catch let error as InterpreterError {
      throw error
    } catch {
      throw .noClassActivationMap(found: "\(error)")
    }
  }

  public func appendMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError) -> AttributionMap {
    guard let features = network.output(named: "features"), let weights = network.output(named: "classWeights") else {
      throw TypeError("classActivationMap", "the network lacks its outputs features and classWeights", [])
    }
    let shape = layer.featureShape
    let rows = try builder.append(Gather(axis: classAxis), [weights, classes])
    let chosen = try builder.reshape(
      classAxis == 0 ? rows : try builder.permute(rows, [1, 0]), [shape[0], 1, shape[1]])
    let places = try builder.reshape(features, [shape[0], shape[1], shape[2] * shape[3]])
    let products = try builder.append(MatrixProduct(), [chosen, places])
    return try builder.normalised(try builder.reshape(products, mapShape), divisor: .plus(1e-8))
  }
}

extension HostTensor {
  fileprivate static func identity(_ size: Int) -> HostTensor {
    var elements = [Float](repeating: 0, count: size * size)
    for index in 0..<size { elements[index * size + index] = 1 }
    return HostTensor([size, size], elements)
  }
}
