import IR
import Interpreters
import ONNX
import Passes
import TensorTypes

/// What `inspect` says about a model.
public struct Inspection: Sendable, Encodable {
  public struct Port: Sendable, Encodable {
    public let name: String
    public let element: String
    public let shape: [Int]

    init(_ name: String, _ type: TensorType) {
      self.name = name
      element = type.element.rawValue
      shape = type.shape.extents
    }

    static func text(_ ports: [Port]) -> String {
      ports.map { "\($0.name) \($0.element)[\($0.shape.map(String.init).joined(separator: ","))]" }.joined(separator: ", ")
    }
  }

  public struct Operator: Sendable, Encodable {
    public let name: String
    public let count: Int
  }

  public struct CAM: Sendable, Encodable {
    /// The linear layer and the feature map, in words; nil when the model has no class activation map.
    public let layer: String?
    public let featureShape: [Int]?
    public let classCount: Int?
    /// Why it has none.
    public let refusal: String?
  }

  public let path: String
  public let sha256: String
  public let producer: String
  public let irVersion: Int64
  public let opset: Int64
  public let inputs: [Port]
  public let outputs: [Port]
  public let operators: [Operator]
  public let parameters: Int
  /// Of one forward pass over the batch that was given.
  public let floatingPointOperations: Int
  /// "softmax", "log-softmax" or "sigmoid" when the scores are probabilities, and logits were recovered by dropping it.
  public let droppedSoftmax: String?
  /// The label whose two classes, without and with it, were made of one score; nil where each class has its own.
  public let label: Int?
  public let cam: CAM
  /// What GRAD leaves out of images of this size, in a sentence.
  public let gradRemark: String?

  /// - Throws: `ModelError`, `FileError`, `TypeError`, `UsageError`; a model that is no classifier is no error.
  public init(path: String, batch: Int, shapes: [String: [Int]], overrides: ModelDescription) throws {
    self.path = path
    let imported: ImportedModel
    var dropped: String?
    var label: Int?
    var remark: String?
    do {
      let model = try ImageClassifier(path: path, batch: batch, shapes: shapes, overrides: overrides)
      imported = model.imported
      dropped = model.classifier.dropped
      label = model.classifier.label
      remark = InterpreterChoice("grad").remark(imageShape: model.interface.imageShape)
      do {
        let layer = try ClassActivationMap(model.classifier).layer
        cam = CAM(
          layer: layer.description, featureShape: layer.featureShape.extents, classCount: layer.classCount, refusal: nil)
      } catch {
        cam = CAM(layer: nil, featureShape: nil, classCount: nil, refusal: error.description)
      }
    } catch let error as InterpreterError {
      imported = try importModel(path, ImportOptions(batch: batch, shapes: shapes))
      cam = CAM(layer: nil, featureShape: nil, classCount: nil, refusal: error.description)
    }
    droppedSoftmax = dropped
    self.label = label
    gradRemark = remark
    let graph = imported.graph
    sha256 = try ModelFile(path).sha256
    producer = imported.producer
    irVersion = imported.irVersion
    opset = imported.opset
    inputs = graph.inputs.map { Port(graph.name(ofInput: $0), graph[$0].type) }
    outputs = graph.outputs.map { Port($0.name, graph[$0.value].type) }
    operators = imported.operatorCounts.map { Operator(name: $0.name, count: $0.count) }
    parameters = imported.parameterCount
    floatingPointOperations = try Pipeline.simplify(try Pipeline.prepare(graph)).floatingPointOperations
  }

  /// One fact a line.
  public var text: String {
    var lines = [
      "model       \(path)", "SHA-256     \(sha256)",
      "written by  \(producer.isEmpty ? "unknown" : producer), IR version \(irVersion)", "opset       \(opset)",
      "inputs      \(Port.text(inputs))", "outputs     \(Port.text(outputs))",
      "operators   \(operators.map { "\($0.name) \($0.count)" }.joined(separator: ", "))",
      "parameters  \(parameters)",
      "operations  \(floatingPointOperations) (\(fixed(Double(floatingPointOperations) / 1e9, 3)) GFLOP forward)",
    ]
    if let droppedSoftmax { lines.append("logits      recovered by dropping the \(droppedSoftmax) at the end") }
    if let label { lines.append("classes     without and with label \(label), logits -z/2 and z/2 of its score z") }
    lines.append("CAM layer   \(cam.layer ?? "none: \(cam.refusal ?? "")")")
    return lines.joined(separator: "\n")
  }
}
