/// A small square matrix in f64, row by row.
public struct SquareMatrix: Sendable, Equatable {
  public let dimension: Int
  public let elements: [Double]

  /// - Precondition: as many elements as the square of the dimension.
  public init(dimension: Int, _ elements: [Double]) {
    precondition(elements.count == dimension * dimension)
    self.dimension = dimension
    self.elements = elements
  }

  public init(columns: [[Double]]) {
    self.init(dimension: columns.count, columns.indices.flatMap { row in columns.map { $0[row] } })
  }

  public static func identity(_ dimension: Int) -> SquareMatrix {
    SquareMatrix(columns: (0..<dimension).map { unit($0, of: dimension) })
  }

  static func unit(_ index: Int, of dimension: Int) -> [Double] { (0..<dimension).map { $0 == index ? 1 : 0 } }

  public subscript(row: Int, column: Int) -> Double { elements[row * dimension + column] }

  /// The vector z with A z = b, by elimination with the largest pivot of each column.
  ///
  /// Cost: the cube of the dimension.
  /// - Throws: `ImplicitGradientError.singular`.
  public func solving(_ b: [Double]) throws(ImplicitGradientError) -> [Double] {
    precondition(b.count == dimension)
    var rows = (0..<dimension).map { Array(elements[$0 * dimension..<($0 + 1) * dimension]) + [b[$0]] }
    for column in 0..<dimension {
      guard let pivot = (column..<dimension).max(by: { abs(rows[$0][column]) < abs(rows[$1][column]) }),
        abs(rows[pivot][column]) > 0, rows[pivot][column].isFinite
      else { throw .singular(dimension: dimension) }
      rows.swapAt(column, pivot)
      for row in column + 1..<dimension {
        let factor: Double = rows[row][column] / rows[column][column]
        for index in column...dimension { rows[row][index] -= factor * rows[column][index] }
      }
    }
    var solution = [Double](repeating: 0, count: dimension)
    for row in stride(from: dimension - 1, through: 0, by: -1) {
      var rest = rows[row][dimension]
      for column in row + 1..<dimension { rest -= rows[row][column] * solution[column] }
      solution[row] = rest / rows[row][row]
    }
    return solution
  }

  public func inverse() throws(ImplicitGradientError) -> SquareMatrix {
    var columns: [[Double]] = []
    for index in 0..<dimension { columns.append(try solving(Self.unit(index, of: dimension))) }
    return SquareMatrix(columns: columns)
  }
}
