import Attacks
import Autodiff
import IR
import Interpreters
import ONNX
import Operators
import Passes
import TensorTypes

/// What to compute of a model.
public enum DerivedGraph: String, Sendable, CaseIterable, Codable {
  /// The outputs of the model from its inputs.
  case forward
  /// ∂/∂x Σ_b −log p[b, target[b]], and the losses.
  case gradient
  /// The Hessian of the same along a direction.
  case hvp
  /// The map of an interpreter, and the probabilities.
  case map
  /// One step of PGD.
  case pgdStep
  /// One step of ADV² with an interpreter; against MASK, all graphs of one.
  case step
  /// The image that a flow makes.
  case warp
  /// One step of stAdv, and of ADV² on it.
  case flowStep, flowMapStep
  /// The graphs of MASK and of the attack on it, as `MaskPrograms` describes them.
  case scores, maskViews, maskStep, marginSignStep, marginStep, lookahead, marginSearch
  /// The graphs of one sample of integrated gradients and SmoothGrad, as `SampledPrograms` describes them.
  case sample, stepSample, mapGradient, samplePull

  /// The graphs that are compiled together with this one, in their order: an attack by its step needs all of them.
  func family(of interpreter: String) -> [DerivedGraph] {
    let parts = interpreter.split(separator: ",")
    let isMask = interpreter == "mask"
    let isJoint = parts.count > 1 && parts.contains("mask")
    let isSampled = InterpreterChoice.sampled.contains(interpreter)
    let map: [DerivedGraph] = isMask ? Self.mask : isJoint ? Self.mask + [.map] : isSampled ? [.sample, .map] : [.map]
    let againstSamples: [DerivedGraph] = isSampled ? [.stepSample, .mapGradient, .samplePull] : []
    return switch self {
    case .map: map
    case .pgdStep: map + [.pgdStep]
    case .step:
      map + [.pgdStep] + (isMask ? Self.attackOnMask : againstSamples + [.step] + (isJoint ? Self.aheadOfMask : []))
    case .flowStep: map + [.warp, .flowStep]
    case .flowMapStep:
      map + [.warp, .flowStep] + againstSamples + [.flowMapStep] + (isMask || isJoint ? [.lookahead] : [])
    default: [self]
    }
  }

  private static let mask: [DerivedGraph] = [.scores, .maskViews, .maskStep]
  private static let aheadOfMask: [DerivedGraph] = [.lookahead, .marginSearch]
  private static let attackOnMask: [DerivedGraph] = [.marginSignStep, .marginStep] + aheadOfMask
  /// The graphs that MASK alone has.
  static var maskParts: [DerivedGraph] { mask + attackOnMask }

  /// Whether the interpreter decides the graphs.
  var hasInterpreter: Bool { self != .forward && self != .gradient && self != .hvp }
}

extension AttackSettings.Method {
  /// The graph whose family has all that the attack runs.
  public var graph: DerivedGraph {
    switch self {
    case .pgd: .pgdStep
    case .adv2: .step
    case .stadv: .flowStep
    case .adv2Stadv: .flowMapStep
    }
  }
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
  /// - Throws: `ModelError`, `InterpreterError`, `FileError`, `TypeError`, `UsageError`.
  public init(
    _ derived: DerivedGraph, ofModelAt path: String, batch: Int, interpreter: InterpreterChoice,
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
      try self.init(derived, of: model, interpreter: interpreter)
    }
  }

  /// - Throws: `InterpreterError`, `TypeError`, `UsageError`.
  public init(_ derived: DerivedGraph, of model: ImageClassifier, interpreter: InterpreterChoice) throws {
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
    default: try self.init(derived, of: model, try interpreter.prepared(for: model.classifier))
    }
  }

  /// A graph of an attack.
  /// - Throws: `UsageError` for a graph that the interpreter does not have; `TypeError`.
  init(_ derived: DerivedGraph, of model: ImageClassifier, _ interpreter: PreparedInterpreter) throws {
    try self.init(
      imported: model.imported.graph, prepared: interpreter.network, differentiated: try interpreter.graph(derived), derived)
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
