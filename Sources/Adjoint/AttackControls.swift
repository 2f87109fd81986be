import Attacks

/// What of a batch is measured beside its attack, so that its map distances can be judged: maps that no attack made, and the
/// map of the class that the attack leaves.
struct AttackControls {
  /// Of each image, in the order of `AttackRecord.Control.Kind`.
  let controls: [[AttackRecord.Control]]
  /// The map of the original label on the adversarial image.
  let originalClass: [MapComparison]

  /// Cost: three maps of the batch.
  /// - Parameters:
  ///   - benign: what `MapMeasurer.benign` says about the batch.
  ///   - targets: the classes that the attack ended at, or went for.
  ///   - adversarial: the judged pixels.
  ///   - neighbours: for each image that is no padding, the next image of the job and its benign map.
  init(
    _ batch: AttackBatch, benign: [Measurement], targets: [Int], adversarial: [Float],
    neighbours: [(image: String, map: [Float])?], threshold: MarkThreshold, _ measurer: any MapMeasurer,
    _ settings: AttackSettings
  ) throws {
    let labels = benign.map(\.label)
    func maps(_ x: [Float], of classes: [Int]) throws -> [[Float]] {
      try measurer.measure(x, shape: batch.shape, classes: classes).map(\.map)
    }
    let noisy = (0..<batch.count).flatMap { image in
      settings.threat.withNoise(Array(batch.levels[batch.range(image)]), seed: settings.seed)
    }
    let noise = try maps(pixels(noisy), of: labels)
    let cleanTarget = try maps(pixels(batch.levels), of: targets)
    let original = try maps(adversarial, of: labels)
    controls = neighbours.enumerated().map { image, neighbour in
      let map = benign[image].map
      let mean: Double = map.reduce(0) { $0 + Double($1) } / Double(max(map.count, 1))
      return [
        settings.method.isFlow
          ? .init(.noise, unavailable: "no eps bounds a flow")
          : .init(.noise, MapComparison(noise[image], benign: map, threshold: threshold)),
        neighbour.map { .init(.otherImage, MapComparison($0.map, benign: map, threshold: threshold), image: $0.image) }
          ?? .init(.otherImage, unavailable: "the job has one image"),
        .init(
          .constant, MapComparison([Float](repeating: Float(mean), count: map.count), benign: map, threshold: threshold)),
        .init(.cleanTarget, MapComparison(cleanTarget[image], benign: map, threshold: threshold)),
      ]
    }
    originalClass = neighbours.indices.map { MapComparison(original[$0], benign: benign[$0].map, threshold: threshold) }
  }
}
