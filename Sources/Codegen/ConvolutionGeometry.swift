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

/// Tiles of neighbouring result positions that one piece of code serves: equal width, equal valid ranges.
struct TileRun: Hashable {
  let start: Int
  let width: Int
  let count: Int
  /// For each tap of the phase, the positions of the tile that read inside the source.
  let valid: [Range<Int>]

  /// Covers the phase with tiles of at most `width` positions, as equal as possible.
  static func runs(_ phase: AxisPhase, width: Int, sourceExtent: Int) -> [TileRun] {
    var runs: [TileRun] = []
    let tiles = (phase.count + width - 1) / width
    for tile in 0..<tiles {
      let start = tile * phase.count / tiles
      let end = (tile + 1) * phase.count / tiles
      let valid = phase.taps.map { phase.valid($0, start: start, width: end - start, sourceExtent: sourceExtent) }
      if let last = runs.last, last.width == end - start, last.valid == valid, last.start + last.count * last.width == start
      {
        runs[runs.count - 1] = TileRun(start: last.start, width: last.width, count: last.count + 1, valid: valid)
      } else {
        runs.append(TileRun(start: start, width: end - start, count: 1, valid: valid))
      }
    }
    return runs
  }
}
