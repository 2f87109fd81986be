import Glibc
import TensorTypes

/// The constants of a family of programs in the layouts that kernels read; equal bytes are stored once.
struct ConstantPool {
  private(set) var bytes: [UInt8] = []
  private var offsets: [UInt64: [(offset: Int, count: Int)]] = [:]

  private struct Packed: Hashable {
    /// Of the elements in memory: several sweeps and programs read one tensor.
    let address: UInt
    let order: AnyHashable
  }

  /// With the tensors, whose addresses must not come to mean others.
  private var packed: [Packed: (tensor: HostTensor, offset: Int)] = [:]

  /// Stores weights in the order in which a kernel reads them, at a multiple of 64 bytes, with a vector of zeros behind them.
  mutating func add(_ weights: HostTensor, _ order: some WeightOrder) -> Int {
    let key = Packed(address: weights.storageAddress, order: AnyHashable(order))
    if let known = packed[key] { return known.offset }
    let offset = add(order.pack(weights.floats))
    packed[key] = (weights, offset)
    return offset
  }

  private mutating func add(_ elements: [Float]) -> Int { elements.withUnsafeBytes { add($0) } }

  /// Stores a tensor in a layout.
  mutating func add(_ tensor: HostTensor, _ buffer: Buffer) -> Int {
    switch tensor.type.element {
    case .float32: return add(buffer.layout == .blocked ? blocked(tensor.floats, buffer) : tensor.floats)
    case .float64: return tensor.doubles.withUnsafeBytes { add($0) }
    case .int32: return tensor.integers.map { Int32(truncatingIfNeeded: $0) }.withUnsafeBytes { add($0) }
    case .int64: return tensor.integers.withUnsafeBytes { add($0) }
    case .boolean:
      let elements = tensor.integers.map { UInt8($0) }
      return (buffer.layout == .blocked ? blocked(elements, buffer) : elements).withUnsafeBytes { add($0) }
    }
  }

  private mutating func add(_ source: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for word in stride(from: 0, to: source.count - source.count % 8, by: 8) {
      hash = (hash ^ source.loadUnaligned(fromByteOffset: word, as: UInt64.self)) &* 0x0000_0100_0000_01b3
      hash ^= hash >> 29
    }
    for byte in source[(source.count - source.count % 8)...] { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    for known in offsets[hash, default: []] where known.count == source.count {
      let isEqual = bytes.withUnsafeBytes { bytes in
        guard let mine = bytes.baseAddress, let theirs = source.baseAddress else { return true }
        return memcmp(mine + known.offset, theirs, source.count) == 0
      }
      if isEqual { return known.offset }
    }
    let offset = bytes.count
    bytes.append(contentsOf: source)
    bytes.append(contentsOf: repeatElement(0, count: aligned(source.count + 64) - source.count))
    offsets[hash, default: []].append((offset, source.count))
    return offset
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
