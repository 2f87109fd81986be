/// For each image the iterate with the smallest map distance among those that pass on the 8-bit lattice and have a map, of
/// which those that no evaded squeezer tells come first.
struct IterateChoice {
  private(set) var best: [Iterate?]
  /// Of the best.
  private(set) var standings: [Standing?]

  init(count: Int) {
    best = [Iterate?](repeating: nil, count: count)
    standings = [Standing?](repeating: nil, count: count)
  }

  mutating func consider(_ iterate: Iterate, _ standing: Standing, image: Int) {
    guard standing.passes, standings[image].map({ standing.isBetter(than: $0, keepingMap: true) }) ?? true else { return }
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
  /// Whether an evaded squeezer of a known detector tells it.
  var isDetected = false

  /// Whether a run that ends so beats one that ends as the other: untold, then by its map, where that counts, else by its
  /// probability.
  func isBetter(than other: Standing, keepingMap: Bool) -> Bool {
    if passes != other.passes { return passes }
    if isDetected != other.isDetected { return !isDetected }
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
