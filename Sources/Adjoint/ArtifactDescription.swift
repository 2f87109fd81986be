import Interpreters
import TensorTypes

/// What an artifact says about itself beside its programs.
public struct ArtifactDescription: Sendable, Codable {
  public let model: ModelFacts
  /// The version of this program, and the first line of what the C compiler says about itself.
  public let adjointVersion: String
  public let compiler: String
}

/// What is known of a model's programs without running them.
public struct ModelFacts: Sendable, Codable {
  public let of: DerivedGraph
  /// The programs, in their order.
  public let family: [DerivedGraph]
  public let sha256: String
  /// Inputs of the model that are bound to values, and are therefore no inputs of the programs.
  public let boundInputs: [String]
  /// Of `forward` nil: it takes models that are no classifiers.
  public let classifier: ClassifierInterface?
  /// Of `map`, `pgdStep` and `step`.
  public let map: MapFacts?

  /// The batch size, as an option has it.
  public var batchText: String? { classifier.map { "\($0.batch)" } }

  /// Which interpreter the programs have, and the form of its map.
  public struct MapFacts: Sendable, Codable {
    public let interpreter: InterpreterChoice
    /// [B, h, w]
    public let shape: Shape
    /// What a map costs beside the forward sweep.
    public let sweeps: SweepCounts
    /// Of several interpreters the size that each map has by itself, [B, h, w].
    public var ownShapes: [Shape]?
    /// Of several interpreters with MASK among them: the same of all but MASK together.
    public var others: OthersThanMaskFacts?
  }

  /// The map of the interpreters that MASK is attacked with.
  public struct OthersThanMaskFacts: Sendable, Codable {
    /// [B, h, w]
    public let shape: Shape
    /// What the map costs beside the forward sweep.
    public let sweeps: SweepCounts
  }
}
