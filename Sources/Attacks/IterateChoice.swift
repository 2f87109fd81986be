/// For each image the iterate with the smallest map distance among those that pass on the 8-bit lattice and have a map.
struct IterateChoice {
  private(set) var best: [Iterate?]
  /// Of the best.
  private(set) var standings: [Standing?]

  init(count: Int) {
    best = [Iterate?](repeating: nil, count: count)
    standings = [Standing?](repeating: nil, count: count)
  }

  mutating func consider(_ iterate: Iterate, _ standing: Standing, image: Int) {
    guard standing.passes, standing.mapDistance < standings[image]?.mapDistance ?? .infinity else { return }
    best[image] = iterate
    standings[image] = standing
  }
}

/// What a check on the 8-bit lattice says about an iterate.
struct Standing: Sendable, Equatable {
  /// Whether label and confidence are those of an attack, and there is a map.
  let passes: Bool
  let mapDistance: Double
  let probability: Double

  /// Whether a run that ends so beats one that ends as the other: by its map, where that counts, else by its probability.
  func isBetter(than other: Standing, keepingMap: Bool) -> Bool {
    if passes != other.passes { return passes }
    return passes && keepingMap ? mapDistance < other.mapDistance : probability > other.probability
  }
}

extension Standing {
  init(_ measurement: Measurement, target: Int, confidence: Double) {
    passes =
      measurement.label == target && measurement.targetProbability >= confidence && measurement.mapStatus == .drawn
    mapDistance = measurement.l1
    probability = measurement.targetProbability
  }
}
