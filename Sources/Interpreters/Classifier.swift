import IR
import Operators
import TensorTypes

/// An image classifier as a graph from pixels to logits.
///
/// The graph has one input `x`, f32[B, C, H, W] in [0, 1] with channels in RGB order, and one output `logits`, f32[B, N]:
/// preprocessing is part of it, and a softmax at the end of the model is not.
///
/// A model that scores one label with z has two classes, without and with it: since σ(z) = exp(z/2) / (exp(−z/2) +
/// exp(z/2)), their logits are −z/2 and z/2. Its graph has the model's own scores beside, the output `scores`, f32[B,
/// labels].
public struct Classifier: Sendable {
  public let graph: Graph
  /// The names that the model gives to what was taken for its images and its class scores.
  public let modelInput: String
  public let modelOutput: String
  /// "softmax", "log-softmax" or "sigmoid" when the model ends in one, which was dropped to recover the logits.
  public let dropped: String?

  /// The shape of `x`.
  public let imageShape: Shape
  public let classCount: Int
  /// How many scores the model has for each image.
  public let scoreCount: Int
  /// Which of the model's scores is that of the label; nil where they are those of the classes.
  public let label: Int?
  public var batch: Int { imageShape[0] }

  /// - Parameters:
  ///   - model: an imported graph with one image input.
  ///   - scores: the output that holds the class scores; needed when several could.
  ///   - label: which of several labels that do not exclude one another is looked at. A single score is always a label's.
  /// - Throws: `InterpreterError` when the model is no image classifier with these properties.
  public init(_ model: Graph, preprocessing: Preprocessing = Preprocessing(), scores: String? = nil, label: Int? = nil)
    throws(InterpreterError)
  {
    try preprocessing.validate()
    guard model.inputs.count == 1 else { throw .inputs(names: model.inputs.map { model.name(ofInput: $0) }) }
    modelInput = model.name(ofInput: model.inputs[0])
    let type = model[model.inputs[0]].type
    let channelAxis = preprocessing.layout == .nchw ? 1 : 3
    guard type.element == .float32, type.shape.rank == 4, type.shape[channelAxis] == preprocessing.channelCount else {
      let channels = preprocessing.channelCount
      throw .imageInput(
        name: modelInput, found: type,
        expected: preprocessing.layout == .nchw ? "f32[N,\(channels),H,W]" : "f32[N,H,W,\(channels)]")
    }
    imageShape =
      preprocessing.layout == .nchw ? type.shape : [type.shape[0], type.shape[3], type.shape[1], type.shape[2]]

    let output = try Self.scoresOutput(of: model, named: scores, batch: imageShape[0])
    modelOutput = output.name
    let last = model.strippingReshapes(output.value)
    scoreCount = model[output.value].type.shape.elementCount / imageShape[0]
    self.label = label ?? (scoreCount == 1 ? 0 : nil)
    let logits: Value
    if let label = self.label {
      guard (0..<scoreCount).contains(label) else { throw .noLabel(label, count: scoreCount) }
      if model.operandOfSoftmax(output.value) != nil, scoreCount > 1 { throw .exclusiveScores }
      let operand = model.elementwise(last, .sigmoid)?[0]
      dropped = operand == nil ? nil : "sigmoid"
      logits = operand ?? output.value
      classCount = 2
    } else {
      if model.elementwise(last, .sigmoid) != nil { throw .sigmoidScores(node: model[last].location.node) }
      let softmax = model.operandOfSoftmax(output.value)
      dropped = softmax?.name
      logits = softmax?.x ?? output.value
      classCount = scoreCount
    }

    do {
      let builder = GraphBuilder()
      let x = builder.input("x", TensorType(.float32, imageShape))
      let values = try builder.inline(
        model, inputs: [model.inputs[0]: try preprocessing.append(to: x, in: builder)])
      let own = try builder.reshape(values[logits.index], [imageShape[0], scoreCount])
      if let label = self.label {
        let half = try builder.multiply(try builder.slice(own, axis: 1, from: label, to: label + 1), 0.5)
        let both = try builder.append(Concatenate(axis: 1), [try builder.elementwise(.negate, half), half])
        graph = builder.finish(name: "classifier", outputs: [("logits", both), ("scores", own)]).withoutDeadNodes()
      } else {
        graph = builder.finish(name: "classifier", outputs: [("logits", own)]).withoutDeadNodes()
      }
    } catch {
      throw .preprocessing("\(error)")
    }
  }

  /// The output [B, N] (extents of 1 beside) with at least two classes, or the one with a single score for each image.
  private static func scoresOutput(of model: Graph, named name: String?, batch: Int) throws(InterpreterError) -> Graph.Output
  {
    let names = model.outputs.map(\.name)
    func outputs(significantAxes: Int) -> [Graph.Output] {
      model.outputs.filter { output in
        let type = model[output.value].type
        let significant = type.shape.extents.dropFirst().filter { $0 != 1 }
        return type.element == .float32 && type.shape.extents.first == batch && significant.count == significantAxes
      }
    }
    let several = outputs(significantAxes: 1)
    let candidates = several.isEmpty || name != nil ? several + outputs(significantAxes: 0) : several
    if let name {
      guard names.contains(name) else { throw .unknownOutput(name: name, outputs: names) }
      guard let output = candidates.first(where: { $0.name == name }) else { throw .scores(candidates: [], outputs: [name]) }
      return output
    }
    guard candidates.count == 1 else { throw .scores(candidates: candidates.map(\.name), outputs: names) }
    return candidates[0]
  }
}

extension Graph {
  /// The graph without the nodes that no output needs; inputs stay.
  func withoutDeadNodes() -> Graph {
    var isLive = [Bool](repeating: false, count: nodes.count)
    for output in outputs { isLive[output.value.index] = true }
    for input in inputs { isLive[input.index] = true }
    for index in nodes.indices.reversed() where isLive[index] {
      for operand in nodes[index].operands { isLive[operand.index] = true }
    }
    var renamed = [Value](repeating: Value(0), count: nodes.count)
    var kept: [Node] = []
    for (index, node) in nodes.enumerated() where isLive[index] {
      renamed[index] = Value(kept.count)
      kept.append(Node(node.content, node.operands.map { renamed[$0.index] }, node.type, node.location))
    }
    return Graph(
      name: name, nodes: kept, inputs: inputs.map { renamed[$0.index] },
      outputs: outputs.map { Output(name: $0.name, value: renamed[$0.value.index]) }, isClosed: isClosed)
  }
}
