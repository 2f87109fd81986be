import Attacks
import Interpreters

/// One line of results.jsonl: everything about the attack on one image.
public struct AttackRecord: Sendable, Codable {
  /// One adversarial image as the classifier and the interpreter see it.
  public struct Judgement: Sendable, Codable {
    public let label: Int
    public let targetProbability: Double
    /// Whether the label is the target.
    public let success: Bool
    /// Whether the attack `succeeds(within: 0.06)`.
    public private(set) var jointSuccess = false
    /// A blank map is no joint success.
    public let mapStatus: MapStatus
    public let mapL1: Double
    public let mapL2: Double
    /// The rank correlation with the benign map; nil where a map is constant.
    public let mapSpearman: Double?
    /// The share of the strongest 10 % of places that both maps have in common; nil where a map is constant.
    public let mapTopOverlap: Double?
    /// Nil where a map is zero everywhere.
    public let mapCosine: Double?
    /// The overlap of marked places with those of the benign map: above 0.5, or above each map's mean for maps of pixels;
    /// and the same at 0.1, 0.2 ... 0.9.
    public let mapIoU: Double?
    public let mapIoUSweep: [Double]?
    /// Beside the map that the attack goes for, where that is not the benign one.
    public let toTarget: MapComparison?
    /// The probability that a place of a patch has a larger value than one beside it.
    public let patchAUROC: Double?
    /// Minimum and maximum of the map before it is normalised.
    public let rawMapRange: [Float]
    /// Of several interpreters at once each alone, in their order; the figures above are then those of all maps together.
    public let maps: [InterpreterFigures]?
    /// What each threshold of a detector says, last that of all squeezers together; nil where none is asked.
    public let detection: [Detection]?

    /// - Parameter interpreters: whose maps lie one below the other in that of the measurement.
    init(
      _ measurement: Measurement, benign: [Float], target: Int, goal: MapGoal?, threshold: MarkThreshold,
      interpreters: [String], detection: [Detection]?
    ) {
      let map = MapComparison(measurement.map, benign: benign, threshold: threshold)
      label = measurement.label
      targetProbability = measurement.targetProbability
      success = measurement.label == target
      mapStatus = measurement.mapStatus
      mapL1 = map.l1
      mapL2 = map.l2
      mapSpearman = map.spearman
      mapTopOverlap = map.topOverlap
      mapCosine = map.cosine
      mapIoU = map.iou
      mapIoUSweep = map.iouSweep
      toTarget = goal.map { MapComparison(measurement.map, benign: $0.map, threshold: threshold) }
      patchAUROC = goal?.inside.flatMap { MapMetrics.areaUnderCurve(measurement.map, inside: $0) }
      rawMapRange = [measurement.rawRange.low, measurement.rawRange.low + measurement.rawRange.extent]
      let size = benign.count / max(interpreters.count, 1)
      let figures = interpreters.enumerated().map { index, name in
        let range = index * size..<(index + 1) * size
        let own = Array(measurement.map[range])
        return InterpreterFigures(
          interpreter: name, map: MapComparison(own, benign: Array(benign[range])),
          toTarget: goal.map { MapComparison(own, benign: Array($0.map[range])) })
      }
      maps = interpreters.count > 1 ? figures : nil
      self.detection = detection
      jointSuccess = succeeds(within: AttackSettings.jointMapDistance)
    }

    /// The distance to the map that the attack goes for.
    public var distanceToGoal: Double { toTarget?.l1 ?? mapL1 }

    /// Joint success: label and probability are those of an attack, and the map, which is not constant, is that close to the
    /// one that the attack goes for; of several interpreters the map of each.
    func succeeds(within mapDistance: Double) -> Bool {
      success && targetProbability >= AttackSettings.confidentProbability && mapSpearman != nil
        && distanceToGoal <= mapDistance
        && (maps ?? []).allSatisfy { $0.map.spearman != nil && ($0.toTarget ?? $0.map).l1 <= mapDistance }
    }
  }

  /// How the map of one interpreter of several differs from the benign one.
  public struct InterpreterFigures: Sendable, Codable {
    public let interpreter: String
    public let map: MapComparison
    /// Beside the map that the attack goes for, where that is not the benign one.
    public let toTarget: MapComparison?
  }

  /// A map that no attack made, against which the attack's distance to the benign map is to be held.
  public struct Control: Sendable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
      /// The photo with uniform noise of at most eps, and its own label.
      case noise
      /// The benign map of the next image of the job; after the last comes the first.
      case otherImage
      /// The mean of the benign map everywhere.
      case constant
      /// The unchanged photo, for the target class.
      case cleanTarget
    }

    public let kind: Kind
    /// Whose map it is, of `otherImage`.
    public let image: String?
    public let map: MapComparison?
    /// Why there is no map.
    public let unavailable: String?

    init(_ kind: Kind, _ map: MapComparison, image: String? = nil) {
      self.kind = kind
      self.image = image
      self.map = map
      unavailable = nil
    }

    init(_ kind: Kind, unavailable: String) {
      self.kind = kind
      image = nil
      map = nil
      self.unavailable = unavailable
    }
  }

  /// Another iterate, judged on the 8-bit lattice.
  public struct OtherIterate: Sendable, Codable {
    public let name: String
    public let step: Int
    public let png: Judgement
    /// Of an attack that moves pixels.
    public let flow: FlowMeasurement?
  }

  /// The numbers that decide a result.
  public struct Settings: Sendable, Codable, Equatable {
    public let attack: String
    public let interpreter: String
    public let interpreterOptions: InterpreterOptions
    public let mode: String
    /// Nil for a flow, which nothing bounds: the 8-bit image of the moved pixels is judged.
    public let eps: Double?
    public let alpha: Double?
    /// The weight of a flow's loss.
    public let smoothness: Double?
    public let steps: Int
    public let warm: Int
    public let coefficient: Double
    public let confidence: Double
    public let compare: Bool
    /// The squeezers that the attack evades, and the weight of what they see.
    public let evaded: [Squeezer]?
    public let evasionWeight: Double?
    public let seed: UInt64
    /// Other options that are not as they are by default, by their names.
    public let options: [String: String]
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
  public let benignMapStatus: MapStatus
  public let benignRawMapRange: [Float]
  /// Steps of the phase that the result comes from.
  public let step: Int
  /// Whether a check found label and confidence; ADV² otherwise keeps its last iterate.
  public let passedCheck: Bool
  public let float: Judgement
  /// Measured again from the decoded PNG file.
  public let png: Judgement
  /// Of an attack that moves pixels.
  public let flow: FlowMeasurement?
  /// The structural similarity of the PNG and the photo, and how far it is from it; then those of the float image.
  public let ssim: Double
  public let perturbation: PerturbationNorms
  public let floatSSIM: Double
  public let floatPerturbation: PerturbationNorms
  /// The image whose map the attack goes for.
  public let targetMapImage: String?
  /// True where time was over before the last step.
  public let cut: Bool?
  public let others: [OtherIterate]
  public let controls: [Control]
  /// The map of the unchanged photo's label, on the adversarial image: a viewer of both classes sees it move.
  public let originalClass: MapComparison
  /// Of MASK with jitter.
  public let jitter: JitterControls?
  public let sweeps: SweepCounts
  public let comparisonSweeps: SweepCounts
  /// Wall-clock time of the batch that the image was part of; nil where times are kept apart.
  public let seconds: Double?
  public let threads: Int?
  public let settings: Settings

  /// The last iterate of the attack that keeps no map, PGD or stAdv, where it was run beside.
  public var comparison: OtherIterate? { others.first { ["pgd.last", "stadv.last"].contains($0.name) } }
}
