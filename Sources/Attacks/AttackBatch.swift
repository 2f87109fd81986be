import Interpreters
import TensorTypes

/// The images that one run of the programs attacks together.
public struct AttackBatch: Sendable {
  /// [B, C, H, W]
  public let shape: Shape
  /// 8-bit levels, NCHW.
  public let levels: [UInt8]
  /// Of an untargeted attack the labels that it leaves.
  public let targets: [Int]
  /// The maps [h · w] that ADV² goes for; nil for the benign ones.
  public var mapTargets: [[Float]]?

  /// - Precondition: as many levels as the shape holds, and one target for each image.
  public init(shape: Shape, levels: [UInt8], targets: [Int]) {
    precondition(levels.count == shape.elementCount && targets.count == shape[0])
    self.shape = shape
    self.levels = levels
    self.targets = targets
  }

  public var count: Int { shape[0] }
  public var imageSize: Int { shape.elementCount / max(count, 1) }
  public func range(_ image: Int) -> Range<Int> { image * imageSize..<(image + 1) * imageSize }
}

/// One of the iterates that an attack yields for an image.
public struct Iterate: Sendable, Equatable {
  /// After how many steps of its phase.
  public let step: Int
  /// NCHW in [0, 1], before it is put on the 8-bit lattice.
  public let pixels: [Float]
  public let levels: [UInt8]
  /// How the pixels were moved, of an attack that moves them.
  public var flow: FlowMeasurement?
}

/// What an attack yields for one image.
public struct AttackOutcome: Sendable {
  public let label: Int
  public let benign: Measurement
  /// The iterate that the attack stands for: PGD's last, ADV²'s chosen one.
  public let result: Iterate
  /// Whether any check found label and confidence; otherwise ADV²'s result is its last iterate.
  public let passedCheck: Bool
  /// The other iterates: `last` of ADV², `stopped` and `chosen` of PGD, and of the comparison `pgd.last`, `pgd.stopped`,
  /// `pgd.chosen`.
  public let others: [(name: String, iterate: Iterate)]
  public let sweeps: SweepCounts
  /// Sweeps of the comparison, beyond those of the attack itself.
  public let comparisonSweeps: SweepCounts
  /// Whether time ran out before the last step.
  public var wasCut = false
}
