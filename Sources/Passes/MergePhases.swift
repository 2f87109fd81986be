import IR
import Operators
import TensorTypes

/// Backward-data of a strided convolution with few channels → a dense convolution whose channels are the channels of all
/// phases, and a rearrangement of them into space.
///
/// The result at row s·i + p is a sum over its own rows f = p + pad − s·d of the filter, at source rows i + d. The phases p of
/// both axes with C channels each fill a vector that C channels alone would leave almost empty, and every tap of the merged
/// filter serves all of them: for a 7 × 7 filter of stride 2 and 3 channels 16 taps of 12 lanes instead of 49 of 3. Pays
/// where code is generated; the value stays up to rounding.
public enum MergePhases: Pass {
  /// Channels of the merged convolution that one vector holds.
  private static let lanes = 16

  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    try graph.rewritten { (node, _, operands, builder) throws(TypeError) -> Value? in
      guard let convolution = node.operation as? Convolution, convolution.solving == .input, convolution.groups == 1,
        convolution.strides.count == 2, convolution.dilations == [1, 1], node.type.element == .float32,
        case .constant(let filter) = builder.nodes[operands[0].index].content
      else { return nil }
      let axes = (0..<2).map {
        MergedAxis(stride: convolution.strides[$0], pad: convolution.pads[$0], kernel: filter.tensor.shape[$0 + 2])
      }
      let phases = axes[0].stride * axes[1].stride
      let channels = node.type.shape[1]
      guard phases > 1, phases * channels <= lanes, axes.allSatisfy({ $0.firstSource <= 0 }) else { return nil }

      let (rows, columns) = (node.type.shape[2], node.type.shape[3])
      let extents = [axes[0].count(rows), axes[1].count(columns)]
      let merged = builder.constant(merge(filter.tensor, axes), name: "\(filter.name).phases")
      let dense = Convolution(
        solving: .output, strides: [1, 1], pads: axes.map { -$0.firstSource }, dilations: [1, 1], groups: 1,
        shape: Shape([node.type.shape[0], phases * channels] + extents))
      var x = try builder.append(dense, [operands[1], merged])
      let batch = node.type.shape[0]
      x = try builder.reshape(x, Shape([batch, axes[0].stride, axes[1].stride, channels] + extents))
      x = try builder.permute(x, [0, 3, 4, 1, 5, 2])
      x = try builder.reshape(x, [batch, channels, extents[0] * axes[0].stride, extents[1] * axes[1].stride])
      x = try builder.slice(x, axis: 2, from: 0, to: rows)
      return try builder.slice(x, axis: 3, from: 0, to: columns)
    }
  }

  /// [K, C, F, F'] → [(phase, phase', C), K, taps, taps']
  private static func merge(_ filter: HostTensor, _ axes: [MergedAxis]) -> HostTensor {
    let weights = filter.doubles
    let (sources, channels) = (filter.shape[0], filter.shape[1])
    let shape: Shape = [
      axes[0].stride * axes[1].stride * channels, sources, axes[0].tapCount, axes[1].tapCount,
    ]
    var merged = [Double](repeating: 0, count: shape.elementCount)
    for (row, tapRow, filterRow) in axes[0].taps {
      for (column, tapColumn, filterColumn) in axes[1].taps {
        for channel in 0..<channels {
          let lane = (row * axes[1].stride + column) * channels + channel
          for source in 0..<sources {
            let target = ((lane * sources + source) * axes[0].tapCount + tapRow) * axes[1].tapCount + tapColumn
            let origin = ((source * channels + channel) * axes[0].kernel + filterRow) * axes[1].kernel + filterColumn
            merged[target] = weights[origin]
          }
        }
      }
    }
    return HostTensor(TensorType(.float32, shape), .double(merged))
  }
}

/// One spatial axis of a backward-data convolution, its phases taken together.
private struct MergedAxis {
  let stride: Int
  let pad: Int
  let kernel: Int
  /// The first and the last source position that a group of `stride` results reads, relative to the group's number.
  let firstSource: Int
  let lastSource: Int

  init(stride: Int, pad: Int, kernel: Int) {
    self.stride = stride
    self.pad = pad
    self.kernel = kernel
    // ⌈(pad − (kernel − 1)) / stride⌉
    firstSource = Int((Double(pad - kernel + 1) / Double(stride)).rounded(.up))
    lastSource = (stride - 1 + pad) / stride
  }

  var tapCount: Int { lastSource - firstSource + 1 }

  /// Groups of `stride` results that cover an extent.
  func count(_ extent: Int) -> Int { (extent + stride - 1) / stride }

  /// Every phase with each tap of the merged filter that reaches it, and the position in the filter.
  var taps: [(phase: Int, tap: Int, filter: Int)] {
    (0..<stride).flatMap { phase in
      (firstSource...lastSource).compactMap { source in
        let filter = phase + pad - stride * source
        return (0..<kernel).contains(filter) ? (phase, source - firstSource, filter) : nil
      }
    }
  }
}
