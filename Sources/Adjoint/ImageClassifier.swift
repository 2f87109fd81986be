import IR
import Images
import Interpreters
import ONNX
import TensorTypes

/// A model file as an image classifier for batches of one size, with its preprocessing and class names.
public struct ImageClassifier: Sendable {
  public let imported: ImportedModel
  public let classifier: Classifier
  public let interface: ClassifierInterface

  /// Imports the model and wraps the preprocessing into its graph.
  /// - Parameters:
  ///   - overrides: members that win over the JSON file beside the model.
  ///   - shapes: whole shapes of inputs, by name.
  /// - Throws: `ModelError`, `InterpreterError`, `FileError`, `UsageError`.
  public init(path: String, batch: Int, shapes: [String: [Int]] = [:], overrides: ModelDescription = ModelDescription())
    throws
  {
    let beside = try ModelDescription.beside(model: path)
    let description = (beside?.description ?? ModelDescription()).overridden(by: overrides)
    if let size = description.size, size.count != 2 || size.contains(where: { $0 < 1 }) {
      throw UsageError("size is \(size); height and width are expected")
    }
    let imported = try Self.imported(at: path, batch: batch, shapes: shapes, description)
    self.imported = imported
    let inputShape = imported.graph.inputs.first.map { imported.graph[$0].type.shape.extents } ?? []
    let preprocessing = try description.preprocessing(inputShape: inputShape)
    let names = try description.labels.map(readLines)
    classifier = try Classifier(
      imported.graph, preprocessing: preprocessing, scores: description.scores,
      label: try description.multiLabel.map { words throws(UsageError) in
        if let number = Int(words) { return number }
        return try Labels(classCount: names?.count ?? 0, names: names, file: description.labels).index(of: words)
      })
    let shape = classifier.imageShape
    if let size = description.size, size != [shape[2], shape[3]] {
      throw UsageError("size is \(size[0]) x \(size[1]), but the model takes images of \(shape[2]) x \(shape[3])")
    }
    interface = ClassifierInterface(
      imageShape: shape, preprocessing: preprocessing,
      resizeRule: try description.resizeRule(height: shape[2], width: shape[3]),
      labels: try Labels(of: classifier, names: names, file: description.labels), label: classifier.label)
  }

  /// Free dimensions beside the batch are fixed by the size that the description gives.
  private static func imported(
    at path: String, batch: Int, shapes: [String: [Int]], _ description: ModelDescription
  ) throws(ModelError) -> ImportedModel {
    do {
      return try importModel(path, ImportOptions(batch: batch, shapes: shapes))
    } catch {
      guard case .freeDimension(let input, _, _, _) = error.cause, shapes[input] == nil, let size = description.size else {
        throw error
      }
      let channels = description.channelOrder == "grey" ? 1 : 3
      var shapes = shapes
      shapes[input] = description.layout == "nhwc" ? [batch] + size + [channels] : [batch, channels] + size
      return try importModel(path, ImportOptions(batch: batch, shapes: shapes))
    }
  }
}
