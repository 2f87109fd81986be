import IR
import Operators
import TensorTypes

extension Simplify {
  static let sumRules: [RewriteRule] = [
    RewriteRule("sum(x) over no or unit axes = reshape(x)") { site throws(TypeError) in
      guard let sum = site.operation as? Sum else { return nil }
      let source = site.shape(of: site.operands[0])
      guard sum.axes.allSatisfy({ source[$0] == 1 }) else { return nil }
      return try site.builder.reshape(site.operands[0], site.shape)
    },
    RewriteRule("sum(sum(x)) = sum(x)") { site throws(TypeError) in
      guard let outer = site.operation as? Sum, let (inner, x) = site.definition(site.operands[0], Sum.self)
      else { return nil }
      let kept = site.shape(of: x[0]).axes(except: inner.axes)
      return try site.builder.append(Sum(axes: (inner.axes + outer.axes.map { kept[$0] }).sorted()), x)
    },
    RewriteRule("sum(broadcast(x)) = count · broadcast(sum(x))") { site throws(TypeError) in
      guard let sum = site.operation as? Sum, let (broadcast, x) = site.definition(site.operands[0], Broadcast.self)
      else { return nil }
      let repeated = sum.axes.filter { !broadcast.axes.contains($0) }
      let count = repeated.reduce(1) { $0 * broadcast.shape[$1] }
      guard !repeated.isEmpty, count > 0 else { return nil }
      let inner = broadcast.axes.indices.filter { sum.axes.contains(broadcast.axes[$0]) }
      let kept = broadcast.shape.axes(except: sum.axes)
      let targets = broadcast.axes.filter { !sum.axes.contains($0) }.compactMap(kept.firstIndex(of:))
      let scaled = try site.builder.multiply(try site.builder.sum(x[0], axes: inner), Double(count))
      return try site.builder.broadcast(scaled, to: site.shape, axes: targets)
    },
    RewriteRule("sum(reshape(x)) that inserts or drops 1s = reshape(sum(x))") { site throws(TypeError) in
      guard let sum = site.operation as? Sum, let (reshape, x) = site.definition(site.operands[0], Reshape.self)
      else { return nil }
      let source = site.shape(of: x[0])
      guard source.differsByUnitsOnly(from: reshape.shape) else { return nil }
      let moved = Dictionary(uniqueKeysWithValues: zip(reshape.shape.significantAxes, source.significantAxes))
      return try site.builder.reshape(try site.builder.sum(x[0], axes: sum.axes.compactMap { moved[$0] }), site.shape)
    },
    RewriteRule("sum(permute(x)) = permute(sum(x))") { site throws(TypeError) in
      guard let sum = site.operation as? Sum, let (permute, x) = site.definition(site.operands[0], Permute.self)
      else { return nil }
      let axes = sum.axes.map { permute.order[$0] }
      let kept = site.shape(of: x[0]).axes(except: axes)
      let order = permute.order.filter { !axes.contains($0) }.compactMap(kept.firstIndex(of:))
      return try site.builder.permute(try site.builder.sum(x[0], axes: axes), order)
    },
  ]

  static let windowSumRules: [RewriteRule] = [
    RewriteRule("windowSum(x) over the whole plane = sum(x)") { site throws(TypeError) in
      guard let window = (site.operation as? WindowSum)?.window else { return nil }
      let source = site.shape(of: site.operands[0])
      let isWhole = window.kernel.indices.allSatisfy {
        window.extents[$0] == 1 && window.pads[$0] == 0 && window.dilations[$0] == 1 && window.kernel[$0] == source[$0 + 2]
      }
      guard isWhole else { return nil }
      return try site.builder.sum(site.operands[0], axes: Array(2..<source.rank), keepAxes: true)
    },
    RewriteRule("windowSum(pad(x)) = windowSum(x) with more padding") { site throws(TypeError) in
      guard let window = (site.operation as? WindowSum)?.window, let (pad, x) = site.definition(site.operands[0], Pad.self),
        let pads = pad.spatialPads
      else { return nil }
      let padded = Window(
        kernel: window.kernel, strides: window.strides, pads: zip(window.pads, pads).map(+), dilations: window.dilations,
        extents: window.extents)
      return try site.builder.append(WindowSum(window: padded), x)
    },
    zeroRule("windowSum(0) = 0"),
  ]

  static let convolutionRules: [RewriteRule] = [
    RewriteRule("convolution(pad(x), w) = convolution(x, w) with more padding") { site throws(TypeError) in
      guard let convolution = site.operation as? Convolution, convolution.solving == .output,
        let (pad, x) = site.definition(site.operands[0], Pad.self), let pads = pad.spatialPads
      else { return nil }
      let padded = Convolution(
        solving: .output, strides: convolution.strides, pads: zip(convolution.pads, pads).map(+),
        dilations: convolution.dilations, groups: convolution.groups, shape: convolution.shape)
      return try site.builder.append(padded, [x[0], site.operands[1]])
    }
  ]

  static let matrixProductRules: [RewriteRule] = [
    RewriteRule("matrixProduct(transpose x, transpose y) = matrixProduct(x, y) with flags") { site throws(TypeError) in
      guard let product = site.operation as? MatrixProduct else { return nil }
      func transposed(_ value: Value) -> Value? {
        guard let (permute, x) = site.definition(value, Permute.self) else { return nil }
        let rank = permute.order.count
        return permute.order == Array(0..<rank - 2) + [rank - 1, rank - 2] ? x[0] : nil
      }
      let left = transposed(site.operands[0])
      let right = transposed(site.operands[1])
      guard left != nil || right != nil else { return nil }
      let flipped = MatrixProduct(
        transposeLeft: product.transposeLeft != (left != nil), transposeRight: product.transposeRight != (right != nil))
      return try site.builder.append(flipped, [left ?? site.operands[0], right ?? site.operands[1]])
    }
  ]
}

extension Shape {
  fileprivate func axes(except excluded: [Int]) -> [Int] { extents.indices.filter { !excluded.contains($0) } }
}

extension Pad {
  /// The zeros before the spatial axes of [N, C, spatial...], if there are zeros around the planes only.
  fileprivate var spatialPads: [Int]? {
    guard low.count > 2, low[..<2] == [0, 0], high[..<2] == [0, 0], interior.allSatisfy({ $0 == 0 }) else { return nil }
    return Array(low[2...])
  }
}
