/// The score above which an image is taken for an attack, set so that 5 % of benign images are.
public struct DetectionThreshold: Sendable, Codable, Equatable {
  /// "joint" for the largest score over all squeezers.
  public let name: String
  public let threshold: Double
  /// Between which two benign scores the threshold of ever more images would lie, with 95 % confidence.
  public let lower: Double
  public let upper: Double
  /// Of ten parts of the images, each judged by the threshold of the nine others, how many images are taken for attacks.
  public let heldOutFalsePositives: Int
  public let imageCount: Int

  /// The smallest number of benign images.
  public static let minimumCount = 100

  /// - Parameter scores: of benign images; the threshold is the one at position ⌊0.95 n⌋ of them in ascending order, as in the
  ///   code published with the paper.
  /// - Precondition: at least `minimumCount` scores.
  public init(name: String, scores: [Double]) {
    precondition(scores.count >= Self.minimumCount)
    self.name = name
    let sorted = scores.sorted()
    let n = sorted.count
    threshold = Self.threshold(sorted)
    // The number of scores below the true quantile is binomial.
    let reach = 1.959963984540054 * (Double(n) * 0.95 * 0.05).squareRoot()
    lower = sorted[max(Int((Double(n) * 0.95 - reach).rounded(.down)), 0)]
    upper = sorted[min(Int((Double(n) * 0.95 + reach).rounded(.up)), n - 1)]
    heldOutFalsePositives = (0..<10).reduce(0) { count, part in
      let others = scores.indices.filter { $0 % 10 != part }.map { scores[$0] }.sorted()
      let threshold = Self.threshold(others)
      return count + scores.indices.count { $0 % 10 == part && scores[$0] > threshold }
    }
    imageCount = n
  }

  private static func threshold(_ sorted: [Double]) -> Double { sorted[Int(0.95 * Double(sorted.count))] }
}

/// Σ |p − q| of the probabilities of an image and of the squeezed one, 0 to 2.
public func squeezingScore(_ p: some Sequence<Float>, _ q: some Sequence<Float>) -> Double {
  zip(p, q).reduce(0) { $0 + abs(Double($1.0) - Double($1.1)) }
}
