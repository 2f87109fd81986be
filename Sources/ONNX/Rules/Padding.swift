import IR
import Operators
import TensorTypes

extension ImportRule {
  static let padding: [String: ImportRule] = ["Pad": ImportRule(1...4, pad)]

  /// Pad-2 with attributes, Pad-11, -13, -18, -19, ... with inputs. Negative pads crop.
  private static func pad(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let rank = node.shape(x).rank
    let mode = try node.string("mode") ?? "constant"
    let pads: [Int]
    let axes: [Int]
    var filling = node.builder.scalar(0, like: x)
    if node.opset < 11 {
      guard let given = try node.integers("pads") else { throw ImportProblem("attribute pads is missing") }
      (pads, axes) = (given, Array(0..<rank))
      filling = node.builder.scalar(try node.float("value", default: 0), like: x)
    } else {
      pads = try node.knownIntegers(1, "the list of pads")
      axes =
        node.optional(3) == nil ? Array(0..<rank) : try node.axes(try node.knownIntegers(3, "the list of axes"), rank: rank)
      if let given = node.optional(2) {
        guard node.shape(given).elementCount == 1 else { throw ImportProblem("the constant to pad with is no scalar") }
        filling = try node.builder.reshape(given, .scalar)
      }
    }
    guard pads.count == 2 * axes.count, pads.allSatisfy({ $0.magnitude <= ONNXTensor.elementLimit }) else {
      throw ImportProblem("pads \(pads) do not fit \(axes.count) axes")
    }
    var low = [Int](repeating: 0, count: rank)
    var high = low
    for (entry, axis) in axes.enumerated() { (low[axis], high[axis]) = (pads[entry], pads[entry + axes.count]) }
    let cropped = try crop(x, low, high, node)
    let (before, behind) = (low.map { max($0, 0) }, high.map { max($0, 0) })
    _ = try node.checked(node.shape(cropped).extents.enumerated().map { before[$0.offset] + $0.element + behind[$0.offset] })
    switch mode {
    case "constant": return try fill(cropped, before, behind, filling, node)
    case "edge", "reflect", "wrap":
      var result = cropped
      for axis in 0..<rank where before[axis] + behind[axis] > 0 {
        let extent = node.shape(cropped)[axis]
        guard extent > 0 else { throw ImportProblem("an empty axis has nothing to repeat") }
        let positions = (-before[axis]..<extent + behind[axis]).map { source($0, extent: extent, mode) }
        result = try node.gather(result, axis: axis, positions)
      }
      return result
    default: throw ImportProblem("attribute mode is \(quoted(mode)); constant, reflect, edge and wrap are accepted")
    }
  }

  /// Where the element at `position`, counted from the first element of the operand, is taken from.
  private static func source(_ position: Int, extent: Int, _ mode: String) -> Int {
    switch mode {
    case "edge": return min(max(position, 0), extent - 1)
    case "wrap": return (position % extent + extent) % extent
    default:
      if extent == 1 { return 0 }
      let period = 2 * (extent - 1)
      let phase = (position % period + period) % period
      return min(phase, period - phase)
    }
  }

  private static func crop(_ x: Value, _ low: [Int], _ high: [Int], _ node: NodeImport) throws -> Value {
    let shape = node.shape(x)
    let start = low.map { max(-$0, 0) }
    let limit = (0..<shape.rank).map { shape[$0] - max(-high[$0], 0) }
    guard zip(start, limit).allSatisfy({ $0 <= $1 }) else { throw ImportProblem("pads crop more than there is of \(shape)") }
    if limit == shape.extents, start.allSatisfy({ $0 == 0 }) { return x }
    return try node.builder.append(Slice(start: start, limit: limit, stride: start.map { _ in 1 }), [x])
  }

  /// Zeros are padded; any other value is laid around the operand axis by axis.
  private static func fill(_ x: Value, _ before: [Int], _ behind: [Int], _ value: Value, _ node: NodeImport) throws -> Value
  {
    let builder = node.builder
    if (before + behind).allSatisfy({ $0 == 0 }) { return x }
    if let known = try node.constant(value), known.doubles == [0] {
      return try builder.append(Pad(low: before, high: behind, interior: before.map { _ in 0 }), [x])
    }
    var result = x
    for axis in before.indices where before[axis] + behind[axis] > 0 {
      func border(_ extent: Int) throws -> [Value] {
        if extent == 0 { return [] }
        var extents = node.shape(result).extents
        extents[axis] = extent
        return [try builder.broadcast(value, to: Shape(extents))]
      }
      result = try builder.append(Concatenate(axis: axis), try border(before[axis]) + [result] + border(behind[axis]))
    }
    return result
  }
}
