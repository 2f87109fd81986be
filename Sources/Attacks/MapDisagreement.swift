import TensorTypes

/// How much the maps of several interpreters, all of one image and its predicted class, disagree: what a detector by an
/// ensemble of interpreters asks (the first defence that section 6 of the paper proposes, which leaves the statistic open).
///
///     mean over all pairs of 1 − Spearman's ρ of the two maps, each averaged over the cells of the coarsest map's grid
///
/// 0 where all order the cells alike, 1 where they have nothing to do with one another, at most 2. Ranks, because a map of
/// gradients and one of features differ in how their values are distributed whatever the image; the coarsest grid, because
/// no two maps can agree on what one of them does not resolve. A map that is the same everywhere agrees with none.
public enum MapDisagreement {
  /// A map of one image.
  public struct Map: Sendable {
    /// [height, width], row by row.
    public let values: [Float]
    public let height: Int
    public let width: Int

    /// - Precondition: as many values as places.
    public init(_ values: [Float], height: Int, width: Int) {
      precondition(values.count == height * width)
      (self.values, self.height, self.width) = (values, height, width)
    }

    /// The mean over each cell of a grid; a cell begins and ends with the places that it overlaps.
    func averaged(height rows: Int, width columns: Int) -> [Float] {
      func span(_ cell: Int, _ cells: Int, _ places: Int) -> Range<Int> {
        cell * places / cells..<((cell + 1) * places + cells - 1) / cells
      }
      return (0..<rows).flatMap { row in
        (0..<columns).map { column in
          var sum = 0.0
          let (down, right) = (span(row, rows, height), span(column, columns, width))
          for y in down { for x in right { sum += Double(values[y * width + x]) } }
          return Float(sum / Double(down.count * right.count))
        }
      }
    }
  }

  /// - Precondition: at least two maps.
  public static func score(_ maps: [Map]) -> Double {
    precondition(maps.count > 1)
    let rows = maps.map(\.height).min() ?? 1
    let columns = maps.map(\.width).min() ?? 1
    let averaged = maps.map { $0.averaged(height: rows, width: columns) }
    var sum = 0.0
    for (index, map) in averaged.enumerated() {
      for other in averaged[..<index] { sum += 1 - (MapMetrics.spearman(map, other) ?? 0) }
    }
    return sum / Double(maps.count * (maps.count - 1) / 2)
  }
}
