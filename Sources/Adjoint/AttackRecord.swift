import Attacks

/// One line of results.jsonl: everything about the attack on one image.
public struct AttackRecord: Sendable, Codable {
  /// One adversarial image as the classifier and the interpreter see it.
  public struct Judgement: Sendable, Codable {
    public let label: Int
    public let targetProbability: Double
    /// Whether the label is the target.
    public let success: Bool
    /// Label, probability and map distance within their limits.
    public let jointSuccess: Bool
    public let mapL1: Double
    public let mapL2: Double
    /// Minimum and maximum of the map before it is normalised.
    public let rawMapRange: [Float]

    init(_ measurement: Measurement, target: Int, confidence: Double) {
      label = measurement.label
      targetProbability = measurement.targetProbability
      success = measurement.label == target
      jointSuccess = measurement.succeeds(target: target, confidence: confidence)
      mapL1 = measurement.l1
      mapL2 = measurement.l2
      rawMapRange = [measurement.rawRange.low, measurement.rawRange.low + measurement.rawRange.extent]
    }
  }

  /// Another iterate, judged on the 8-bit lattice.
  public struct OtherIterate: Sendable, Codable {
    public let name: String
    public let step: Int
    public let png: Judgement
  }

  /// The numbers that decide a result.
  public struct Settings: Sendable, Codable, Equatable {
    public let attack: String
    public let interpreter: String
    public let mode: String
    public let eps: Double
    public let alpha: Double
    public let steps: Int
    public let warm: Int
    public let coefficient: Double
    public let confidence: Double
    public let compare: Bool
    public let seed: UInt64
    public let batch: Int
    public let processor: String
    public let preprocessing: String
    public let modelSHA256: String
    public let version: String
  }

  public let image: String
  public let path: String
  public let imageSHA256: String
  public let label: Int
  public let labelName: String
  public let labelProbability: Double
  public let target: Int
  public let targetName: String
  public let benignRawMapRange: [Float]
  /// Steps of the phase that the result comes from.
  public let step: Int
  /// Whether a check found label and confidence; ADV² otherwise keeps its last iterate.
  public let passedCheck: Bool
  public let float: Judgement
  /// Measured again from the decoded PNG file.
  public let png: Judgement
  public let others: [OtherIterate]
  public let sweeps: SweepCounts
  public let comparisonSweeps: SweepCounts
  /// Wall-clock time of the batch that the image was part of.
  public let seconds: Double
  public let threads: Int
  public let settings: Settings

  /// The distance of the map under plain PGD, where it was run beside.
  public var pgdMapL1: Double? { others.first { $0.name == "pgd.last" }?.png.mapL1 }
}
