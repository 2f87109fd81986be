import IR
import Operators
import TensorTypes

/// CAM (Zhou et al. 2016; equation 6 of the paper): m_c[i, j] = Σ_k W[c, k] · A_k[i, j].
///
/// Of two classes, `margin` weights may stand for those of the class: m_c = Σ_k (W[c, k] − W[1 − c, k]) · A_k, the map of
/// what tells the classes apart.
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

  /// Which weights the map of a class has.
  public enum Weights: String, Sendable, CaseIterable {
    /// Its own.
    case own = "class"
    /// Its own less those of the other of two classes.
    case margin
  }

  public var mapShape: Shape {
    [layer.featureShape[0], layer.featureShape[2], layer.featureShape[3]]
  }

  /// Finds features and weights by structure, not by names or kinds of ONNX operators.
  /// - Throws: `InterpreterError.noClassActivationMap` naming what stands where pooled features or a linear layer should;
  ///   `InterpreterError.marginOfClasses` for margin weights unless there are two classes.
  public init(_ classifier: Classifier, weights choice: Weights = .own) throws(InterpreterError) {
    guard choice == .own || classifier.classCount == 2 else { throw .marginOfClasses(count: classifier.classCount) }
    let graph = classifier.graph
    guard let logits = graph.output(named: "logits") else { throw .noClassActivationMap(found: "it has no logits") }
    let scores = graph.output(named: "scores") ?? logits
    let scoreCount = graph[scores].type.shape[1]
    let head = try PooledLinearHead(of: graph, logits: scores)
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
          matrix.value, matrix.classAxis == 0 ? [scoreCount, shape[1]] : [shape[1], scoreCount])
      } else {
        classAxis = 0
        weights = builder.constant(.identity(shape[1]), name: "cam.identity")
      }
      // z = scale · Σ_ij m: the mean over the map has scale 1 / (h · w).
      let factor = head.scale * Double(shape[2] * shape[3])
      if abs(factor - 1) > 1e-6 { weights = try builder.multiply(weights, factor) }
      if let label = classifier.label {
        let half = try builder.multiply(
          try builder.slice(weights, axis: classAxis, from: label, to: label + 1), 0.5)
        weights = try builder.append(Concatenate(axis: classAxis), [try builder.elementwise(.negate, half), half])
      }
      if choice == .margin { weights = try builder.margins(of: weights, classAxis: classAxis) }
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

extension GraphBuilder {
  /// Of the weights of two classes: those of each less those of the other.
  fileprivate func margins(of weights: Value, classAxis: Int) throws(TypeError) -> Value {
    let first = try slice(weights, axis: classAxis, from: 0, to: 1)
    let second = try slice(weights, axis: classAxis, from: 1, to: 2)
    return try append(Concatenate(axis: classAxis), [try subtract(first, second), try subtract(second, first)])
  }
}

extension HostTensor {
  fileprivate static func identity(_ size: Int) -> HostTensor {
    var elements = [Float](repeating: 0, count: size * size)
    for index in 0..<size { elements[index * size + index] = 1 }
    return HostTensor([size, size], elements)
  }
}
