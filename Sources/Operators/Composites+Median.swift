import IR
import TensorTypes

// Medians of neighbouring pixels.
extension GraphBuilder {
  /// The median of the size x size pixels around each, with the neighbours that `scipy.ndimage.median_filter` takes: the
  /// image mirrored with the edge repeated, a window of 2 x 2 reaching up and left, the upper of its two elements in the
  /// middle. The derivative goes to the element that is selected, the first of equal ones as the exchanges meet them.
  /// - Parameters:
  ///   - x: [..., H, W]
  ///   - size: 2 or 3.
  public func median(_ x: Value, size: Int) throws(TypeError) -> Value {
    let rank = shape(of: x).rank
    guard size == 2 || size == 3, rank >= 2 else {
      throw TypeError("median", "windows of 2 x 2 and 3 x 3 of an image are supported", [type(of: x)])
    }
    let (height, width) = (shape(of: x)[rank - 2], shape(of: x)[rank - 1])
    let continued = try continued(x, by: 1, .symmetric)
    var window: [Value] = []
    for row in 0..<size {
      for column in 0..<size {
        let rows = try slice(continued, axis: rank - 2, from: row, to: row + height)
        window.append(try slice(rows, axis: rank - 1, from: column, to: column + width))
      }
    }
    if size == 2 {
      // The larger of the two in the middle.
      let low = try elementwise(
        .maximum, try elementwise(.minimum, window[0], window[1]), try elementwise(.minimum, window[2], window[3]))
      let high = try elementwise(
        .minimum, try elementwise(.maximum, window[0], window[1]), try elementwise(.maximum, window[2], window[3]))
      return try elementwise(.maximum, low, high)
    }
    // The exchanges that leave the median of nine in place 4 (Paeth 1990).
    let exchanges = [
      (1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3), (5, 8), (4, 7), (3, 6), (1, 4), (2, 5),
      (4, 7), (4, 2), (6, 4), (4, 2),
    ]
    for (a, b) in exchanges {
      (window[a], window[b]) = (
        try elementwise(.minimum, window[a], window[b]), try elementwise(.maximum, window[a], window[b])
      )
    }
    return window[4]
  }
}
