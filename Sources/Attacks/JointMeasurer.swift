import Interpreters
import TensorTypes

/// Measures with several interpreters, of which one is MASK: their maps one below the other, all at the size of the largest.
///
/// Smaller maps repeat their places. The raw range is the smallest of theirs, so that one blank map makes the whole blank.
public struct JointMeasurer: MapMeasurer {
  /// Of all interpreters but MASK, one below the other.
  public let drawn: ProgramMeasurer
  public let mask: MaskMeasurer
  /// Where MASK stands among the interpreters, counted from 0.
  public let maskPosition: Int
  /// The interpreters, MASK included.
  public let count: Int
  public let mapShape: Shape
  private let maskPlaces: MapPlaces
  private let drawnPlaces: MapPlaces

  /// - Parameters:
  ///   - drawn: of the other interpreters, `count - 1`.
  ///   - count: interpreters, MASK included.
  public init(drawn: ProgramMeasurer, mask: MaskMeasurer, maskPosition: Int, count: Int) {
    precondition(count > 1 && (0..<count).contains(maskPosition))
    self.drawn = drawn
    self.mask = mask
    self.maskPosition = maskPosition
    self.count = count
    let own = (height: drawn.mapShape[1] / (count - 1), width: drawn.mapShape[2])
    let masks = (height: mask.mapShape[1], width: mask.mapShape[2])
    mapShape = Self.mapShape(drawn: drawn.mapShape, mask: mask.mapShape, count: count)
    let common = (height: mapShape[1] / count, width: mapShape[2])
    maskPlaces = MapPlaces(from: masks, to: common)
    drawnPlaces = MapPlaces(from: own, to: common)
  }

  /// [B, count · h, w], from the shapes of the others' maps together and of MASK's.
  public static func mapShape(drawn: Shape, mask: Shape, count: Int) -> Shape {
    [mask[0], count * max(drawn[1] / (count - 1), mask[1]), max(drawn[2], mask[2])]
  }

  public var sweeps: SweepCounts { drawn.sweeps + mask.sweeps }
  private var partSize: Int { mapShape[1] / count * mapShape[2] }

  /// MASK's part of a map, at its own size.
  public func maskPart(of map: [Float]) -> [Float] {
    maskPlaces.reduced(map[maskPosition * partSize..<(maskPosition + 1) * partSize])
  }

  /// The others' part of a map, as their programs have it.
  public func drawnPart(of map: [Float]) -> [Float] {
    (0..<count).filter { $0 != maskPosition }.flatMap { index in
      drawnPlaces.reduced(map[index * partSize..<(index + 1) * partSize])
    }
  }

  /// What the others alone say of a measurement of all.
  func drawnMeasurement(_ measurement: Measurement) -> Measurement {
    Measurement(
      label: measurement.label, targetProbability: measurement.targetProbability,
      probabilities: measurement.probabilities, map: drawnPart(of: measurement.map), rawRange: measurement.rawRange,
      l1: measurement.l1)
  }

  private func map(drawn: [Float], mask: [Float]) -> [Float] {
    let size = drawn.count / (count - 1)
    var parts = (0..<count - 1).map { drawnPlaces.enlarged(drawn[$0 * size..<($0 + 1) * size]) }
    parts.insert(maskPlaces.enlarged(mask[...]), at: maskPosition)
    return parts.flatMap { $0 }
  }

  public func measure(_ x: [Float], shape: Shape, classes: [Int], benign: [[Float]]?) throws -> [Measurement] {
    let others = try drawn.measure(x, shape: shape, classes: classes)
    let masks = try mask.measure(x, shape: shape, classes: classes)
    return classes.indices.map { image in
      let (other, own) = (others[image], masks[image])
      let map = map(drawn: other.map, mask: own.map)
      return Measurement(
        label: other.label, targetProbability: other.targetProbability, probabilities: other.probabilities, map: map,
        rawRange: other.rawRange.extent < own.rawRange.extent ? other.rawRange : own.rawRange,
        l1: benign.map { MapMetrics.l1($0[image], map) } ?? 0)
    }
  }

  public func probabilities(_ x: [Float], shape: Shape) throws -> [[Float]] {
    try mask.probabilities(x, shape: shape)
  }

  public var benignSweeps: SweepCounts { sweeps + SweepCounts(forward: 1) }

  public func benign(_ batch: AttackBatch) throws -> [Measurement] {
    let x = pixels(batch.levels)
    let labels = try probabilities(x, shape: batch.shape).map(indexOfMaximum)
    return try measure(x, shape: batch.shape, classes: labels)
  }
}

extension MapMeasurer {
  /// What measures MASK, by itself or among others.
  public var maskMeasurer: MaskMeasurer? { self as? MaskMeasurer ?? (self as? JointMeasurer)?.mask }

  /// MASK's part of a map, at its own size.
  public func maskPart(of map: [Float]) -> [Float] { (self as? JointMeasurer)?.maskPart(of: map) ?? map }
}
