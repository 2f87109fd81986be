import Foundation

/// SSIM of two images with values in [0, 1] (Wang et al. 2004): the mean over channels and places of
///
///     (2 μₐ μ_b + C₁) (2 σₐb + C₂) / ((μₐ² + μ_b² + C₁) (σₐ² + σ_b² + C₂)),  C₁ = 0.01², C₂ = 0.03²
///
/// with moments under a Gaussian window of 11 × 11 and σ = 1.5 that lies inside of the image, as in the authors' code. A
/// window of a smaller image is as long as its shorter side.
///
/// - Parameters: `a` and `b` are NCHW of one image, `height` × `width` each channel.
/// - Precondition: both hold the same number of whole channels.
public func structuralSimilarity(_ a: [Float], _ b: [Float], height: Int, width: Int) -> Double {
  let area = height * width
  precondition(area > 0 && a.count == b.count && a.count % area == 0)
  let side = min(11, height, width)
  let centre = Double(side - 1) / 2
  let weights = (0..<side).map { exp(-(Double($0) - centre) * (Double($0) - centre) / (2 * 1.5 * 1.5)) }
  let total: Double = weights.reduce(0, +)
  let window = weights.map { $0 / total }
  let c1 = 0.01 * 0.01
  let c2 = 0.03 * 0.03

  /// The window's mean at each place where it lies inside.
  func smoothed(_ plane: [Double]) -> [Double] {
    let columns = width - side + 1
    var rows = [Double](repeating: 0, count: height * columns)
    for row in 0..<height {
      for column in 0..<columns {
        var sum = 0.0
        for k in 0..<side { sum += window[k] * plane[row * width + column + k] }
        rows[row * columns + column] = sum
      }
    }
    var result = [Double](repeating: 0, count: (height - side + 1) * columns)
    for row in 0...height - side {
      for column in 0..<columns {
        var sum = 0.0
        for k in 0..<side { sum += window[k] * rows[(row + k) * columns + column] }
        result[row * columns + column] = sum
      }
    }
    return result
  }

  var sum = 0.0
  var count = 0
  for channel in 0..<a.count / area {
    let x = a[channel * area..<(channel + 1) * area].map(Double.init)
    let y = b[channel * area..<(channel + 1) * area].map(Double.init)
    let meanX = smoothed(x)
    let meanY = smoothed(y)
    let squareX = smoothed(zip(x, x).map(*))
    let squareY = smoothed(zip(y, y).map(*))
    let product = smoothed(zip(x, y).map(*))
    for place in meanX.indices {
      let mx: Double = meanX[place]
      let my: Double = meanY[place]
      let vx: Double = squareX[place] - mx * mx
      let vy: Double = squareY[place] - my * my
      let covariance: Double = product[place] - mx * my
      sum += (2 * mx * my + c1) * (2 * covariance + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    }
    count += meanX.count
  }
  return sum / Double(count)
}
