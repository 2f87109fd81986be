import TensorTypes

/// SplitMix64: the same numbers in every run and process.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension SeededGenerator {
  /// Floating-point elements in the range, each at least 0.04 away from every multiple of one half, where kinks
  /// and jumps are.
  public mutating func tensor(
    _ shape: Shape, _ element: ElementType = .float32, in range: ClosedRange<Double> = -1.5...1.5
  ) -> HostTensor {
    let elements = (0..<shape.elementCount).map { _ -> Double in
      while true {
        let x = Double.random(in: range, using: &self)
        if abs(2 * x - (2 * x).rounded()) > 0.08 { return x }
      }
    }
    return HostTensor(TensorType(element, shape), .double(elements))
  }

  public mutating func integers(_ shape: Shape, in range: Range<Int64>, _ element: ElementType = .int64) -> HostTensor {
    HostTensor(
      TensorType(element, shape), .integer((0..<shape.elementCount).map { _ in Int64.random(in: range, using: &self) }))
  }

  public mutating func booleans(_ shape: Shape) -> HostTensor {
    HostTensor(TensorType(.boolean, shape), .boolean((0..<shape.elementCount).map { _ in Bool.random(using: &self) }))
  }

  /// A direction for derivatives: elements in −1 ... 1.
  public mutating func direction(_ type: TensorType) -> HostTensor {
    HostTensor(type, .double((0..<type.shape.elementCount).map { _ in Double.random(in: -1...1, using: &self) }))
  }
}
