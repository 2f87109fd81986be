import TensorTypes

/// The constants of a family of programs in the layouts that kernels read, each at a multiple of 64 bytes with a vector of
/// zeros behind it; equal ones are stored once.
struct ConstantPool {
  private(set) var byteCount = 0

  private struct OrderedWeights: Hashable {
    /// Of the elements in memory: several sweeps and programs read one tensor.
    let address: UInt
    let order: WeightOrder
  }

  /// Weights are put in order when the bytes are asked for. With the tensors, whose addresses must not come to mean others.
  private var weights: [OrderedWeights: (tensor: HostTensor, offset: Int)] = [:]
  private var others: [[UInt8]: Int] = [:]

  /// Reserves room for weights in the order in which a kernel reads them.
  mutating func add(_ tensor: HostTensor, _ order: WeightOrder) -> Int {
    let key = OrderedWeights(address: tensor.storageAddress, order: order)
    if let known = weights[key] { return known.offset }
    let offset = reserve(order.elementCount * 4)
    weights[key] = (tensor, offset)
    return offset
  }

  /// Stores a tensor in a layout.
  mutating func add(_ tensor: HostTensor, _ buffer: Buffer) -> Int {
    switch tensor.type.element {
    case .float32: return add(buffer.layout == .blocked ? blocked(tensor.floats, buffer) : tensor.floats)
    case .float64: return add(tensor.doubles)
    case .int32: return add(tensor.integers.map { Int32(truncatingIfNeeded: $0) })
    case .int64: return add(tensor.integers)
    case .boolean:
      let elements = tensor.integers.map { UInt8($0) }
      return add(buffer.layout == .blocked ? blocked(elements, buffer) : elements)
    }
  }

  private mutating func add<Element: BitwiseCopyable>(_ elements: [Element]) -> Int {
    let bytes = elements.withUnsafeBytes(Array.init)
    if let known = others[bytes] { return known }
    let offset = reserve(bytes.count)
    others[bytes] = offset
    return offset
  }

  private mutating func reserve(_ count: Int) -> Int {
    defer { byteCount += aligned(count + 64) }
    return byteCount
  }

  /// All constants. Cost: every weight is read once and written for each order it is read in.
  func bytes() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      buffer.initialize(repeating: 0)
      count = byteCount
      let all = UnsafeMutableRawBufferPointer(buffer)
      for (bytes, offset) in others { all[offset...].copyBytes(from: bytes) }
      for (key, (tensor, offset)) in weights {
        let place = UnsafeMutableRawBufferPointer(rebasing: all[offset..<offset + key.order.elementCount * 4])
        tensor.floats.withUnsafeBufferPointer { key.order.pack($0, into: place.bindMemory(to: Float.self)) }
      }
    }
  }

  private func blocked<Element: Numeric>(_ x: [Element], _ buffer: Buffer) -> [Element] {
    let (n, c, plane) = (buffer.shape[0], buffer.shape[1], buffer.shape[2] * buffer.shape[3])
    var result = [Element](repeating: 0, count: buffer.elementCount)
    for i in 0..<n {
      for channel in 0..<c {
        let target = (i * buffer.channelBlocks + channel / Buffer.lanes) * plane * Buffer.lanes + channel % Buffer.lanes
        for position in 0..<plane { result[target + position * Buffer.lanes] = x[(i * c + channel) * plane + position] }
      }
    }
    return result
  }
}

extension HostTensor {
  /// Where the elements lie, for as long as this tensor exists.
  fileprivate var storageAddress: UInt {
    switch storage {
    case .float(let elements): elements.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    case .double(let elements): elements.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    case .integer(let elements): elements.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    case .boolean(let elements): elements.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    }
  }
}
