import TensorTypes

/// Why a model cannot be interpreted. `description` is one sentence: what, where, what would be accepted.
public enum InterpreterError: Error, Sendable, Equatable {
  /// The graph has another number of inputs than one.
  case inputs(names: [String])
  /// The input of the model is no batch of images of the expected layout.
  case imageInput(name: String, found: TensorType, expected: String)
  /// None or several outputs could be class scores.
  case scores(candidates: [String], outputs: [String])
  case unknownOutput(name: String, outputs: [String])
  /// The scores are probabilities of independent classes.
  case sigmoidScores(node: String?)
  case preprocessing(String)
  /// The model has no linear layer on pooled features; `found` says what stands there instead.
  case noClassActivationMap(found: String)
  /// The model has no such feature map; `found` says what there is.
  case noFeatureMap(wanted: String, found: String)
  case tooSmallForMask(imageShape: Shape)
  /// The total variation of the published code pairs rows with columns.
  case maskNotSquare(maskShape: Shape)
}

extension InterpreterError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .inputs(let names):
      "a classifier with one image input is expected; the model has \(names.count) inputs"
        + (names.isEmpty ? "" : ": \(names.joined(separator: ", "))")
    case .imageInput(let name, let found, let expected):
      "input \(name) is \(found), which is no batch of images; \(expected) is expected"
    case .scores(let candidates, let outputs):
      candidates.isEmpty
        ? "none of the outputs (\(outputs.joined(separator: ", "))) holds one score for each image and class"
        : "several outputs could be the class scores: \(candidates.joined(separator: ", "))"
    case .unknownOutput(let name, let outputs):
      "there is no output \(name); the outputs are \(outputs.joined(separator: ", "))"
    case .sigmoidScores(let node):
      "the scores are sigmoid probabilities\(node.map { " (node \($0))" } ?? ""); "
        + "logits, or probabilities of a softmax, are expected"
    case .preprocessing(let problem): "preprocessing: \(problem)"
    case .noClassActivationMap(let found):
      "the model has no class activation map: \(found); "
        + "logits that are a linear layer of spatially pooled features are expected"
    case .noFeatureMap(let wanted, let found): "the model lacks \(wanted): \(found)"
    case .tooSmallForMask(let shape):
      "MASK blurs images, and those of the model are \(shape[2]) x \(shape[3]); "
        + "sides of \(MaskConstants.smallestSide) pixels and more are accepted"
    case .maskNotSquare(let shape):
      "MASK in mode code pairs differences of rows with those of columns, which needs a square mask; "
        + "that of these images has \(shape[1]) x \(shape[2]) places"
    }
  }
}
