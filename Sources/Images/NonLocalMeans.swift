import Foundation

/// Non-local means (Buades, Coll and Morel 2005) in the integer arithmetic of OpenCV 5.0.0, with patches of 3 x 3 in a window of
/// 11 x 11 and strength 4: each pixel becomes the mean of those around it, weighted by how much their patches resemble its own.
///
///     D(p, q) = Σ over the patch and the channels of (x(p + ·) − x(q + ·))²
///     w = round(69599 · exp(−⌊D / 16⌋ · 16 / 9 / (4² · channels))), 0 below a thousandth of 69599
///     y(p) = (Σ w x(q) + ⌊Σ w / 2⌋) / Σ w
///
/// Beyond the edges the image is mirrored without repeating the edge. Bit for bit `fastNlMeansDenoising(x, h = 4, 3, 11)` of one
/// channel, and `fastNlMeansDenoisingColored(x, h = 4, hColor = 4, 3, 11)` of colours, which goes through ``LinearLab`` with
/// lightness apart from the two others.
public enum NonLocalMeans {
  private static let radius = 5
  private static let border = 6
  private static let unit = 69599

  /// - Parameters:
  ///   - planes: one plane of a grey image, or red, green and blue, each `height` x `width`.
  /// - Precondition: one or three planes of that size.
  /// - Returns: the planes in the same order.
  /// Cost: 121 patch distances for each pixel and each of one or two images.
  public static func denoised(_ planes: [[UInt8]], height: Int, width: Int) -> [[UInt8]] {
    precondition((planes.count == 1 || planes.count == 3) && planes.allSatisfy { $0.count == height * width })
    if planes.count == 1 { return averaged(planes, height, width) }
    var lab = [[UInt8]](repeating: [UInt8](repeating: 0, count: height * width), count: 3)
    for place in 0..<height * width {
      (lab[0][place], lab[1][place], lab[2][place]) = LinearLab.lab(
        red: planes[0][place], green: planes[1][place], blue: planes[2][place])
    }
    let smoothed = averaged([lab[0]], height, width) + averaged([lab[1], lab[2]], height, width)
    var result = planes
    for place in 0..<height * width {
      (result[0][place], result[1][place], result[2][place]) = LinearLab.rgb(
        l: smoothed[0][place], a: smoothed[1][place], b: smoothed[2][place])
    }
    return result
  }

  /// Of ⌊D / 16⌋.
  private static func weights(channels: Int) -> [Int32] {
    let largest = 9 * 255 * 255 * channels / 16
    var weights: [Int32] = []
    for distance in 0...largest {
      let exponent: Double = -(Double(distance) * 16 / 9) / Double(16 * channels)
      let weight = (Double(unit) * exp(exponent)).rounded(.toNearestOrEven)
      // All further ones are smaller still.
      if weight < 0.001 * Double(unit) { break }
      weights.append(Int32(weight))
    }
    return weights
  }

  /// The weighted means of planes whose patches are compared together.
  private static func averaged(_ planes: [[UInt8]], _ height: Int, _ width: Int) -> [[UInt8]] {
    let stride = width + 2 * border
    let extended = planes.map { mirrored($0, height, width) }
    let weights = weights(channels: planes.count)
    var sums = [[Int32]](repeating: [Int32](repeating: 0, count: height * width), count: planes.count)
    var totals = [Int32](repeating: 0, count: height * width)
    // Squared differences of a row of pixels with those that an offset away, from one pixel ahead of the row to one behind, and
    // the sums of three rows of them.
    let length = width + 2
    var rows = [Int32](repeating: 0, count: 3 * length)
    for down in -radius...radius {
      for right in -radius...radius {
        let shift = down * stride + right
        func difference(_ row: Int) {
          let base = (row + border) * stride + border - 1
          let target = (row + 3) % 3 * length
          rows.withUnsafeMutableBufferPointer { rows in
            for column in 0..<length { rows[target + column] = 0 }
            for plane in extended {
              plane.withUnsafeBufferPointer { plane in
                for column in 0..<length {
                  let own = Int32(plane[base + column])
                  let other = Int32(plane[base + column + shift])
                  rows[target + column] &+= (own &- other) &* (own &- other)
                }
              }
            }
          }
        }
        difference(-1)
        difference(0)
        for row in 0..<height {
          difference(row + 1)
          let source = (row + border) * stride + border + shift
          rows.withUnsafeBufferPointer { rows in
            totals.withUnsafeMutableBufferPointer { totals in
              for column in 0..<width {
                var distance: Int32 = 0
                for k in 0..<3 {
                  distance &+= rows[column + k] &+ rows[length + column + k] &+ rows[2 * length + column + k]
                }
                let index = Int(distance >> 4)
                guard index < weights.count else { continue }
                let weight = weights[index]
                totals[row * width + column] &+= weight
                for plane in 0..<extended.count {
                  sums[plane][row * width + column] &+= weight &* Int32(extended[plane][source + column])
                }
              }
            }
          }
        }
      }
    }
    return sums.map { sums in
      zip(sums, totals).map { sum, total in UInt8(min((UInt32(bitPattern: sum) + UInt32(total) / 2) / UInt32(total), 255)) }
    }
  }

  /// The plane with a border mirrored without repeating the edge.
  private static func mirrored(_ plane: [UInt8], _ height: Int, _ width: Int) -> [UInt8] {
    func place(_ position: Int, _ extent: Int) -> Int {
      guard extent > 1 else { return 0 }
      let period = 2 * (extent - 1)
      let folded = ((position % period) + period) % period
      return min(folded, period - folded)
    }
    let columns = (-border..<width + border).map { place($0, width) }
    return (-border..<height + border).flatMap { row in columns.map { plane[place(row, height) * width + $0] } }
  }
}
