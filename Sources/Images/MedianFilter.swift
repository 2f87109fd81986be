/// The median of the size x size pixels around each, as `scipy.ndimage.median_filter` has it: beyond the edges the image is
/// mirrored with the edge repeated; a window of even size reaches further up and left, and of the two elements in the middle the
/// upper one is taken.
/// - Parameter plane: height x width.
public func medianFiltered(_ plane: [Float], height: Int, width: Int, size: Int) -> [Float] {
  precondition(size > 0 && plane.count == height * width)
  func place(_ position: Int, _ extent: Int) -> Int {
    let folded = ((position % (2 * extent)) + 2 * extent) % (2 * extent)
    return min(folded, 2 * extent - 1 - folded)
  }
  let rows = (-(size / 2)..<height + size).map { place($0, height) }
  let columns = (-(size / 2)..<width + size).map { place($0, width) }
  var result = plane
  var window = [Float](repeating: 0, count: size * size)
  for row in 0..<height {
    for column in 0..<width {
      var count = 0
      for k in 0..<size {
        for l in 0..<size {
          let value = plane[rows[row + k] * width + columns[column + l]]
          // Insertion keeps the window in order.
          var position = count
          while position > 0, window[position - 1] > value {
            window[position] = window[position - 1]
            position -= 1
          }
          window[position] = value
          count += 1
        }
      }
      result[row * width + column] = window[size * size / 2]
    }
  }
  return result
}

/// round(x · (2ᵇ − 1)) / (2ᵇ − 1), halves to even: what is left of values in [0, 1] with b bits.
public func reducedToBits(_ x: [Float], bits: Int) -> [Float] {
  let steps = Float(1 << bits - 1)
  return x.map { ($0 * steps).rounded(.toNearestOrEven) / steps }
}
