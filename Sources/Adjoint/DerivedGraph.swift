import Attacks
import Autodiff
import IR
import Interpreters
import ONNX
import Operators
import Passes
import TensorTypes

/// What to compute of a model.
public enum DerivedGraph: String, Sendable, CaseIterable {
  /// The outputs of the model from its inputs.
  case forward
  /// ∂/∂x Σ_b −log p[b, target[b]], and the losses.
  case gradient
  /// The Hessian of the same along a direction.
  case hvp
  /// One step of ADV² with an interpreter.
  case step
}

/// A graph on its way from the model to the one that is compiled.
public struct GraphStages: Sendable {
  public let imported: Graph
  /// What is differentiated: of a classifier with its preprocessing, and without its softmax.
  public let prepared: Graph
  public let differentiated: Graph
  public let simplified: Graph

  private init(imported: Graph, prepared: Graph, differentiated: Graph, _ derived: DerivedGraph) throws(TypeError) {
    self.imported = imported
    self.prepared = prepared
    self.differentiated = differentiated
    simplified = try Pipeline.simplify(differentiated).renamed(derived.rawValue)
  }

  /// The model's own outputs.
  /// - Parameter model: as imported.
  public init(forward model: Graph) throws(TypeError) {
    let prepared = try Pipeline.prepare(model)
    try self.init(imported: model, prepared: prepared, differentiated: prepared, .forward)
  }

  /// The graph of a model file. Only `forward` takes models that are no classifiers.
  /// - Parameter copies: of the network, in the step against GRAD: 2 as an attack has it, or 1, whose smoothed derivatives
  ///   the loss of the prediction takes too.
  /// - Throws: `ModelError`, `InterpreterError`, `FileError`, `TypeError`, `UsageError`.
  public init(
    _ derived: DerivedGraph, ofModelAt path: String, batch: Int, interpreter: String, copies: Int = 2,
    shapes: [String: [Int]], overrides: ModelDescription
  ) throws {
    if derived == .forward {
      let imported: ImportedModel
      do {
        imported = try importModel(path, ImportOptions(batch: batch, shapes: shapes))
      } catch {
        guard case .freeDimension = error.cause else { throw error }
        imported = try ImageClassifier(path: path, batch: batch, shapes: shapes, overrides: overrides).imported
      }
      try self.init(forward: imported.graph)
    } else {
      let model = try ImageClassifier(path: path, batch: batch, shapes: shapes, overrides: overrides)
      try self.init(derived, of: model, interpreter: interpreter, copies: copies)
    }
  }

  /// - Throws: `InterpreterError`, `TypeError`, `UsageError`.
  public init(_ derived: DerivedGraph, of model: ImageClassifier, interpreter: String, copies: Int = 2) throws {
    let imported = model.imported.graph
    switch derived {
    case .forward: try self.init(forward: imported)
    case .gradient, .hvp:
      let prepared = try Pipeline.prepare(model.classifier.graph)
      let loss = try Self.crossEntropy(of: prepared)
      let differentiated =
        derived == .gradient
        ? try loss.gradient(of: "crossEntropy", withRespectTo: ["x"])
        : try loss.hessianVectorProduct(of: "crossEntropy", withRespectTo: "x")
      try self.init(imported: imported, prepared: prepared, differentiated: differentiated, derived)
    case .step:
      var interpreter = try makeInterpreter(interpreter, for: model.classifier)
      if copies == 1 {
        guard let map = interpreter as? GradientMap else {
          throw UsageError(
            "--copies 1 goes with --interpreter grad; the step against '\(interpreter.name)' has one copy of the network")
        }
        interpreter = try map.withOneCopy()
      }
      try self.init(
        imported: imported, prepared: interpreter.network,
        differentiated: try AttackPrograms.step(interpreter, AttackSchedule(interpreter: interpreter.name).objective),
        derived)
    }
  }

  /// x, target i64[B] → crossEntropy f32[B]
  private static func crossEntropy(of network: Graph) throws(TypeError) -> Graph {
    guard let logits = network.output(named: "logits") else {
      throw TypeError("crossEntropy", "the graph has no logits", [])
    }
    let builder = GraphBuilder(continuing: network)
    let target = builder.input("target", TensorType(.int64, [network[logits].type.shape[0]]))
    return builder.finish(
      name: "crossEntropy", outputs: [("crossEntropy", try builder.crossEntropy(logits, target: target))])
  }
}
