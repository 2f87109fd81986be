/// The extents of a tensor, outermost axis first. A scalar has rank 0.
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
  public var extents: [Int]

  public init(_ extents: [Int]) { self.extents = extents }
  public init(arrayLiteral elements: Int...) { extents = elements }

  public static let scalar = Shape([])

  public var rank: Int { extents.count }
  public var elementCount: Int { extents.reduce(1, *) }
  public subscript(axis: Int) -> Int { extents[axis] }

  /// Distance in elements between neighbours along each axis, row-major.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * extents[axis + 1]
    }
    return strides
  }

  public var description: String { "[" + extents.map(String.init).joined(separator: ",") + "]" }
}

extension Shape {
  /// Calls `body` with every index of the shape in row-major order.
  @inlinable
  public func forEachIndex(_ body: ([Int]) throws -> Void) rethrows {
    guard elementCount > 0 else { return }
    var index = [Int](repeating: 0, count: rank)
    while true {
      try body(index)
      var axis = rank - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < extents[axis] { break }
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }

  /// The row-major offset of `index`.
  @inlinable
  public func offset(of index: [Int]) -> Int {
    var offset = 0
    for axis in 0..<index.count { offset = offset * extents[axis] + index[axis] }
    return offset
  }
}
