import TensorTypes

/// For every index of `shape` in row-major order, base + Σ index · stride.
func offsets(_ shape: Shape, _ strides: [Int], base: Int = 0) -> [Int] {
  var offsets = [base]
  offsets.reserveCapacity(shape.elementCount)
  for axis in 0..<shape.rank {
    var next: [Int] = []
    next.reserveCapacity(offsets.count * shape[axis])
    for offset in offsets { for i in 0..<shape[axis] { next.append(offset + i * strides[axis]) } }
    offsets = next
  }
  return offsets
}

extension HostTensor {
  /// The tensor whose element i is this tensor's element `sources[i]`; a negative source gives zero.
  func gathering(_ type: TensorType, _ sources: [Int]) -> HostTensor {
    switch storage {
    case .float(let x): HostTensor(type, .float(sources.map { $0 < 0 ? 0 : x[$0] }))
    case .double(let x): HostTensor(type, .double(sources.map { $0 < 0 ? 0 : x[$0] }))
    case .integer(let x): HostTensor(type, .integer(sources.map { $0 < 0 ? 0 : x[$0] }))
    case .boolean(let x): HostTensor(type, .boolean(sources.map { $0 < 0 ? false : x[$0] }))
    }
  }

  func gathering(_ type: TensorType, strides: [Int], base: Int = 0) -> HostTensor {
    gathering(type, offsets(type.shape, strides, base: base))
  }
}
