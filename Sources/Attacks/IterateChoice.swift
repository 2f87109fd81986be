/// For each image the iterate with the smallest map distance among those that pass on the 8-bit lattice and have a map.
struct IterateChoice {
  private(set) var best: [Iterate?]
  private var distances: [Double]

  init(count: Int) {
    best = [Iterate?](repeating: nil, count: count)
    distances = [Double](repeating: .infinity, count: count)
  }

  mutating func consider(_ iterate: Iterate, _ measurement: Measurement, image: Int, target: Int, confidence: Double) {
    guard measurement.label == target, measurement.targetProbability >= confidence, measurement.mapStatus == .drawn,
      measurement.l1 < distances[image]
    else { return }
    best[image] = iterate
    distances[image] = measurement.l1
  }
}
