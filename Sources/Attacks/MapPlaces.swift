/// Which places of a map at a common size are those of a smaller one: each repeats the place of the nearest lower index in
/// proportion.
public struct MapPlaces: Sendable {
  private let small: (height: Int, width: Int)
  private let rows: [Int]
  private let columns: [Int]

  public init(from small: (height: Int, width: Int), to large: (height: Int, width: Int)) {
    rows = (0..<large.height).map { $0 * small.height / large.height }
    columns = (0..<large.width).map { $0 * small.width / large.width }
    self.small = small
  }

  /// A smaller map at the common size.
  public func enlarged(_ map: some RandomAccessCollection<Float>) -> [Float] {
    let map = Array(map)
    return rows.flatMap { row in columns.map { map[row * small.width + $0] } }
  }

  /// The smaller map again.
  public func reduced(_ map: some RandomAccessCollection<Float>) -> [Float] {
    let map = Array(map)
    let firstColumns = (0..<small.width).compactMap { columns.firstIndex(of: $0) }
    return (0..<small.height).compactMap { rows.firstIndex(of: $0) }.flatMap { row in
      firstColumns.map { map[row * columns.count + $0] }
    }
  }
}
