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
  /// A label was asked for of scores that exclude one another.
  case exclusiveScores
  /// There is no such label among the scores.
  case noLabel(Int, count: Int)
  case preprocessing(String)
  /// The model has no linear layer on pooled features; `found` says what stands there instead.
  case noClassActivationMap(found: String)
  /// The weights of RTS lack something, or do not fit.
  case weights(source: String, problem: String)
  /// Margin weights are those of one class less those of the other.
  case marginOfClasses(count: Int)
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
        + "logits, probabilities of a softmax, or one label of them (--multi-label) are expected"
    case .exclusiveScores:
      "the scores are probabilities of a softmax, whose classes exclude one another: --multi-label does not go with them"
    case .noLabel(let label, let count):
      "label \(label) does not exist; the model scores the labels 0 to \(count - 1)"
    case .preprocessing(let problem): "preprocessing: \(problem)"
    case .noClassActivationMap(let found):
      "the model has no class activation map: \(found); "
        + "logits that are a linear layer of spatially pooled features are expected"
    case .weights(let source, let problem): "'\(source)' does not hold the weights of rts: \(problem)"
    case .marginOfClasses(let count): "margin weights are those of two classes, and the model has \(count)"
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
