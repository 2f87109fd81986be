extension HostTensor {
  /// Whether every element is finite: neither infinite nor NaN, nor beyond f32 where the type says f32.
  public var isFinite: Bool {
    switch storage {
    case .float(let elements): elements.areFinite
    case .double(let elements):
      elements.allSatisfy { $0.isFinite && (type.element != .float32 || Float($0).isFinite) }
    case .integer, .boolean: true
    }
  }
}

extension [Float] {
  /// Whether every element is finite.
  public var areFinite: Bool {
    // The largest magnitude as bits, which compilers turn into vectors.
    withUnsafeBufferPointer { elements in
      var largest: UInt32 = 0
      for element in elements { largest = Swift.max(largest, element.bitPattern & 0x7fff_ffff) }
      return largest < Float.infinity.bitPattern
    }
  }
}
