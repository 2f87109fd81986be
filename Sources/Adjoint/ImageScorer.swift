import Attacks
import TensorTypes

/// Scores the images of a batch, the higher the more they look like attacks.
protocol ImageScorer {
  /// - Parameters:
  ///   - levels: 8-bit levels, NCHW.
  ///   - own: the probabilities of the images.
  /// - Returns: for each image a score for each threshold of its detector.
  func scores(_ levels: [UInt8], own: [[Float]]) throws -> [[Double]]
}

/// By how much squeezers change the prediction; last the largest score of all.
struct SqueezeScorer: ImageScorer {
  let measurer: any MapMeasurer
  let squeezers: [Squeezer]
  /// [B, C, H, W]
  let shape: Shape

  func scores(_ levels: [UInt8], own: [[Float]]) throws -> [[Double]] {
    try measurer.squeezingScores(levels, shape: shape, squeezers, own: own).map { $0 + [$0.max() ?? 0] }
  }
}

/// By how much the maps of several interpreters disagree.
struct DisagreementScorer: ImageScorer {
  let measurers: [any MapMeasurer]
  /// [B, C, H, W]
  let shape: Shape

  func scores(_ levels: [UInt8], own: [[Float]]) throws -> [[Double]] {
    let x = pixels(levels)
    let labels = own.map(indexOfMaximum)
    let maps = try measurers.map { measurer in
      try measurer.measure(x, shape: shape, classes: labels).map {
        MapDisagreement.Map($0.map, height: measurer.mapShape[1], width: measurer.mapShape[2])
      }
    }
    return own.indices.map { image in [MapDisagreement.score(maps.map { $0[image] })] }
  }
}
