import TensorTypes

/// The scores above which squeezers take an image for an attack.
public struct SqueezeThresholds: Sendable, Equatable {
  public let squeezers: [Squeezer]
  /// In the order of the squeezers.
  public let thresholds: [Double]

  /// - Precondition: as many thresholds as squeezers.
  public init(_ squeezers: [Squeezer], _ thresholds: [Double]) {
    precondition(squeezers.count == thresholds.count)
    self.squeezers = squeezers
    self.thresholds = thresholds
  }

  /// Those of some squeezers, in the order they have here.
  public func only(_ wanted: [Squeezer]) -> SqueezeThresholds {
    let kept = squeezers.indices.filter { wanted.contains(squeezers[$0]) }
    return SqueezeThresholds(kept.map { squeezers[$0] }, kept.map { thresholds[$0] })
  }

  public subscript(squeezer: Squeezer) -> Double? { squeezers.firstIndex(of: squeezer).map { thresholds[$0] } }

  /// Whether any of the scores exceeds its threshold.
  func areExceeded(by scores: [Double]) -> Bool { zip(scores, thresholds).contains { $0 > $1 } }
}

extension MapMeasurer {
  /// Of each image, for each squeezer, how much it changes the prediction (`squeezingScore`).
  /// - Parameters:
  ///   - levels: 8-bit levels, NCHW.
  ///   - own: the probabilities of the images themselves.
  /// Cost: for each squeezer a forward sweep.
  public func squeezingScores(_ levels: [UInt8], shape: Shape, _ squeezers: [Squeezer], own: [[Float]]) throws -> [[Double]]
  {
    let squeezed = try squeezedProbabilities(levels, shape: shape, squeezers)
    return own.indices.map { image in squeezed.map { squeezingScore(own[image], $0[image]) } }
  }

  /// Of each squeezer what the classifier sees in each squeezed image.
  func squeezedProbabilities(_ levels: [UInt8], shape: Shape, _ squeezers: [Squeezer]) throws -> [[[Float]]] {
    try squeezers.map { try probabilities($0.squeezed(levels, shape: shape), shape: shape) }
  }

  /// Whether a detector tells each of the iterates that were measured.
  func areDetected(_ iterates: [Iterate], shape: Shape, by detector: SqueezeThresholds, _ measurements: [Measurement]) throws
    -> [Bool]
  {
    let scores = try squeezingScores(
      iterates.flatMap(\.levels), shape: shape, detector.squeezers, own: measurements.map(\.probabilities))
    return scores.map(detector.areExceeded)
  }
}
