import IR
import Operators
import TensorTypes

/// Kernel, strides, dilations and padding of a convolution or a pooling node, one entry for each spatial axis.
struct SlidingWindow {
  enum Padding: Equatable {
    case explicit
    /// As many windows as strides fit into the input; an odd element of padding goes before (`extraLow`) or behind.
    case same(extraLow: Bool)
    case valid
  }

  let kernel: [Int]
  let strides: [Int]
  let dilations: [Int]
  let padding: Padding
  /// Low pads of all axes, then high pads.
  let explicitPads: [Int]

  /// - Parameter kernel: the extents of the filter; nil when the attribute kernel_shape gives them.
  init(_ node: NodeImport, kernel: [Int]?) throws {
    let input = node.shape(try node.operand(0))
    let rank = input.rank - 2
    guard rank >= 1 else { throw ImportProblem("its input has the shape \(input); rank 3 or more is expected") }
    let declared = try node.windowIntegers("kernel_shape", count: rank, 1...)
    if let kernel, let declared, declared != kernel {
      throw ImportProblem("attribute kernel_shape is \(declared), but the filter has \(kernel)")
    }
    guard let extents = kernel ?? declared else { throw ImportProblem("attribute kernel_shape is missing") }
    guard extents.allSatisfy({ (1...NodeImport.windowLimit).contains($0) }) else {
      throw ImportProblem("the kernel \(extents) is empty or too large")
    }
    self.kernel = extents
    let ones = [Int](repeating: 1, count: rank)
    strides = try node.windowIntegers("strides", count: rank, 1...) ?? ones
    dilations = try node.windowIntegers("dilations", count: rank, 1...) ?? ones
    explicitPads =
      try node.windowIntegers("pads", count: 2 * rank, (-NodeImport.windowLimit)...) ?? [Int](repeating: 0, count: 2 * rank)
    switch try node.string("auto_pad") ?? "NOTSET" {
    case "NOTSET", "": padding = .explicit
    case "SAME_UPPER": padding = .same(extraLow: false)
    case "SAME_LOWER": padding = .same(extraLow: true)
    case "VALID": padding = .valid
    case let other:
      throw ImportProblem("attribute auto_pad is \(quoted(other)); NOTSET, SAME_UPPER, SAME_LOWER and VALID are accepted")
    }
  }

  /// Extent of the dilated kernel along one axis.
  func reach(_ axis: Int) -> Int { (kernel[axis] - 1) * dilations[axis] + 1 }

  /// Padding before and behind each spatial axis of an input.
  func pads(over spatial: [Int]) throws -> (low: [Int], high: [Int]) {
    switch padding {
    case .explicit: return (Array(explicitPads.prefix(spatial.count)), Array(explicitPads.suffix(spatial.count)))
    case .valid: return (spatial.map { _ in 0 }, spatial.map { _ in 0 })
    case .same(let extraLow):
      var low: [Int] = []
      var high: [Int] = []
      for axis in spatial.indices {
        let count = (spatial[axis] + strides[axis] - 1) / strides[axis]
        let total = max((count - 1) * strides[axis] + reach(axis) - spatial[axis], 0)
        low.append(extraLow ? total - total / 2 : total / 2)
        high.append(total - low[axis])
      }
      return (low, high)
    }
  }
}

extension NodeImport {
  /// The largest kernel extent, stride, dilation or padding.
  static let windowLimit = 1 << 16

  /// An attribute with one entry for each spatial axis, within bounds.
  func windowIntegers(_ name: String, count: Int, _ range: PartialRangeFrom<Int>) throws -> [Int]? {
    guard let values = try integers(name), !values.isEmpty else { return nil }
    guard values.count == count else {
      throw ImportProblem("attribute \(name) has \(values.count) entries; \(count) are expected")
    }
    guard values.allSatisfy({ range.contains($0) && $0 <= Self.windowLimit }) else {
      throw ImportProblem(
        "attribute \(name) is \(values); values from \(range.lowerBound) to \(Self.windowLimit) are accepted")
    }
    return values
  }
}
