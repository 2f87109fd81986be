import Operators
import TensorTypes

/// One filter position along one axis, and where it reads relative to the scaled output position.
struct Tap: Hashable {
  let filter: Int
  let offset: Int
}

/// Forward convolution and backward-data along one spatial axis, in one form: result position `resultStride` · p + `phase`
/// reads source position `sourceStride` · p + offset for every tap.
///
/// A forward convolution has one phase. Backward-data with stride s has s phases, each with the taps that reach it, so that
/// no work is done on zeros between the cotangent's elements.
struct AxisPhase: Hashable {
  let phase: Int
  let resultStride: Int
  let sourceStride: Int
  /// How many result positions the phase has.
  let count: Int
  let taps: [Tap]

  static func phases(
    solving role: Convolution.Role, stride: Int, pad: Int, dilation: Int, kernel: Int, resultExtent: Int
  ) -> [AxisPhase] {
    if role == .output {
      return [
        AxisPhase(
          phase: 0, resultStride: 1, sourceStride: stride, count: resultExtent,
          taps: (0..<kernel).map { Tap(filter: $0, offset: $0 * dilation - pad) })
      ]
    }
    return (0..<min(stride, resultExtent)).map { phase in
      AxisPhase(
        phase: phase, resultStride: stride, sourceStride: 1, count: (resultExtent - phase + stride - 1) / stride,
        taps: (0..<kernel).compactMap { k in
          let reach = phase + pad - k * dilation
          return (reach % stride + stride) % stride == 0
            ? Tap(filter: k, offset: Int((Double(reach) / Double(stride)).rounded(.down))) : nil
        })
    }
  }

  /// The positions within a tile of `width` from `start` whose tap lies inside the source.
  func valid(_ tap: Tap, start: Int, width: Int, sourceExtent: Int) -> Range<Int> {
    let inside = (0..<width).filter { (0..<sourceExtent).contains((start + $0) * sourceStride + tap.offset) }
    guard let first = inside.first, let last = inside.last else { return 0..<0 }
    return first..<last + 1
  }
}
