import IR
import Operators
import TensorTypes

extension ImportRule {
  static let pooling: [String: ImportRule] = [
    "MaxPool": ImportRule(1...1, maxPool),
    "AveragePool": ImportRule(1...1, averagePool),
    "GlobalAveragePool": ImportRule(1...1) { node in
      let x = try node.spatialOperand()
      return try node.builder.mean(x, axes: Array(2..<node.shape(x).rank), keepAxes: true)
    },
    "GlobalMaxPool": ImportRule(1...1) { node in
      let x = try node.spatialOperand()
      return try node.builder.maximum(x, axes: Array(2..<node.shape(x).rank), keepAxes: true)
    },
  ]

  /// MaxPool-1, -8, -10, -11, -12, -22 without the output of indices.
  private static func maxPool(_ node: NodeImport) throws -> Value {
    node.ignore("storage_order")
    let (x, window, _) = try node.poolingWindow()
    return try node.builder.maxPool(x, window)
  }

  /// AveragePool-7, -10, -11, -19, -22.
  private static func averagePool(_ node: NodeImport) throws -> Value {
    let countsPadding = try node.flag("count_include_pad")
    let (x, window, high) = try node.poolingWindow()
    return try node.builder.averagePool(x, window, countingPadding: countsPadding, padsHigh: high)
  }
}

extension NodeImport {
  /// The operand [N, C, spatial...].
  fileprivate func spatialOperand() throws -> Value {
    let x = try operand(0)
    try requireFloat(x)
    guard shape(x).rank >= 3, !shape(x).extents.contains(0) else {
      throw ImportProblem("its input has the shape \(shape(x)); [N, C, spatial...] without empty axes is expected")
    }
    return x
  }

  /// The window of a pooling node over its operand, and the declared padding behind each axis.
  ///
  /// With `ceil_mode` a last window may reach beyond the padding, but not begin there.
  fileprivate func poolingWindow() throws -> (Value, Window, padsHigh: [Int]) {
    let x = try spatialOperand()
    let spatial = Array(shape(x).extents[2...])
    let frame = try SlidingWindow(self, kernel: nil)
    let roundsUp = try flag("ceil_mode")
    let (low, high) = try frame.pads(over: spatial)
    var extents: [Int] = []
    for axis in spatial.indices {
      guard low[axis] >= 0, high[axis] >= 0, low[axis] < frame.reach(axis), high[axis] < frame.reach(axis) else {
        throw ImportProblem("pads \(low) and \(high) need to be smaller than the kernel and not negative")
      }
      let stride = frame.strides[axis]
      let room = spatial[axis] + low[axis] + high[axis] - frame.reach(axis)
      guard room >= 0 || roundsUp && room + stride > 0 else {
        throw ImportProblem("the kernel \(frame.kernel) does not fit into the padded input \(shape(x))")
      }
      var count = (roundsUp ? room + stride - 1 : room) / stride + 1
      if roundsUp, frame.padding == .explicit, (count - 1) * stride >= spatial[axis] + low[axis] { count -= 1 }
      extents.append(count)
    }
    let window = Window(
      kernel: frame.kernel, strides: frame.strides, pads: low, dilations: frame.dilations, extents: extents)
    return (x, window, high)
  }
}
