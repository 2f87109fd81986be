import TensorTypes

/// Numbers that look random and are the same in every run (xorshift64*, Vigna 2016).
public struct Random: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed &* 2_685_821_657_736_338_717 | 1 }

  public mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 2_685_821_657_736_338_717
  }

  /// f32 numbers, uniform in the range, in f64 storage.
  public mutating func tensor(_ shape: Shape, in range: ClosedRange<Double> = -1...1) -> HostTensor {
    HostTensor(
      TensorType(.float32, shape),
      .double((0..<shape.elementCount).map { _ in Double(Float(Double.random(in: range, using: &self))) }))
  }
}
