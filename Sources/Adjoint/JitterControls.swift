import Attacks

/// How much of a result against MASK rests on the jitter that the maps are made with. One of an image's two maps is always
/// the recorded benign one, but for `still`.
public struct JitterControls: Sendable, Codable {
  /// What decides the recorded sequence, whose offsets are in the array `jitter`.
  public let seed: UInt64
  /// The adversarial image under sequences that the attack has not seen.
  public let unseen: [MapComparison]
  /// The unchanged image under the first of them: how far two maps of one image lie apart.
  public let floor: MapComparison
  /// Adversarial against unchanged image, both without jitter.
  public let still: MapComparison

  /// - Returns: for each image of the batch its controls; nil without jitter. Cost: six maps of the batch.
  /// - Parameters:
  ///   - benign: what `measurer` says about the batch.
  ///   - adversarial: the judged pixels.
  static func measured(
    _ batch: AttackBatch, benign: [Measurement], adversarial: [Float], _ measurer: any MapMeasurer, seed: UInt64
  ) throws -> [JitterControls]? {
    guard let recorded = measurer.maskMeasurer, recorded.constants.margin > 0 else { return nil }
    let margin = recorded.constants.margin
    let labels = benign.map(\.label)
    func maps(_ x: [Float], of classes: [Int], _ jitter: JitterSequence) throws -> [[Float]] {
      try recorded.with(jitter).measure(x, shape: batch.shape, classes: classes).map(\.map)
    }
    let unseen = JitterSequence.unseen.map { JitterSequence(margin: margin, seed: seed, stream: $0) }
    let still = JitterSequence.still(margin: margin)
    let original = pixels(batch.levels)
    let others = try unseen.map { try maps(adversarial, of: batch.targets, $0) }
    let again = try maps(original, of: labels, unseen[0])
    let stillBenign = try maps(original, of: labels, still)
    let stillAdversarial = try maps(adversarial, of: batch.targets, still)
    return benign.indices.map { image in
      let map = measurer.maskPart(of: benign[image].map)
      return JitterControls(
        seed: seed, unseen: others.map { MapComparison($0[image], benign: map) },
        floor: MapComparison(again[image], benign: map),
        still: MapComparison(stillAdversarial[image], benign: stillBenign[image]))
    }
  }
}
