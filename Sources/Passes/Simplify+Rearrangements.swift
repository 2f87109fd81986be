import IR
import Operators
import TensorTypes

extension Simplify {
  static let reshapeRules: [RewriteRule] = [
    RewriteRule("reshape(x) to its own shape = x") { site in
      site.shape(of: site.operands[0]) == site.shape ? site.operands[0] : nil
    },
    RewriteRule("reshape(reshape(x)) = reshape(x)") { site throws(TypeError) in
      guard let (_, x) = site.definition(site.operands[0], Reshape.self) else { return nil }
      return try site.builder.reshape(x[0], site.shape)
    },
    RewriteRule("reshape(broadcast(scalar)) = broadcast(scalar)") { site throws(TypeError) in
      guard let (broadcast, x) = site.definition(site.operands[0], Broadcast.self), broadcast.axes.isEmpty
      else { return nil }
      return try site.builder.broadcast(x[0], to: site.shape)
    },
    RewriteRule("reshape(broadcast(x)) that inserts or drops 1s = broadcast(reshape(x))") { site throws(TypeError) in
      guard let (broadcast, x) = site.definition(site.operands[0], Broadcast.self),
        broadcast.shape.differsByUnitsOnly(from: site.shape)
      else { return nil }
      let moved = Dictionary(uniqueKeysWithValues: zip(broadcast.shape.significantAxes, site.shape.significantAxes))
      let axes = broadcast.axes.compactMap { moved[$0] }
      let squeezed = Shape(axes.map { site.shape[$0] })
      return try site.builder.broadcast(try site.builder.reshape(x[0], squeezed), to: site.shape, axes: axes)
    },
  ]

  static let permuteRules: [RewriteRule] = [
    RewriteRule("permute(x) in its own order = x") { site in
      guard let permute = site.operation as? Permute else { return nil }
      return permute.order == Array(permute.order.indices) ? site.operands[0] : nil
    },
    RewriteRule("permute(permute(x)) = permute(x)") { site throws(TypeError) in
      guard let outer = site.operation as? Permute, let (inner, x) = site.definition(site.operands[0], Permute.self)
      else { return nil }
      return try site.builder.permute(x[0], outer.order.map { inner.order[$0] })
    },
    RewriteRule("permute(x) that only moves 1s = reshape(x)") { site throws(TypeError) in
      guard let permute = site.operation as? Permute else { return nil }
      let source = site.shape(of: site.operands[0])
      let moved = permute.order.filter { source[$0] != 1 }
      return moved == moved.sorted() ? try site.builder.reshape(site.operands[0], site.shape) : nil
    },
    RewriteRule("permute(broadcast(x)) = broadcast(permute(x))") { site throws(TypeError) in
      guard let permute = site.operation as? Permute, let (broadcast, x) = site.definition(site.operands[0], Broadcast.self)
      else { return nil }
      let targets = broadcast.axes.map { permute.inverse.order[$0] }
      let order = targets.indices.sorted { targets[$0] < targets[$1] }
      return try site.builder.broadcast(try site.builder.permute(x[0], order), to: site.shape, axes: targets.sorted())
    },
  ]

  static let broadcastRules: [RewriteRule] = [
    RewriteRule("broadcast(x) to its own shape = x") { site in
      site.shape(of: site.operands[0]) == site.shape ? site.operands[0] : nil
    },
    RewriteRule("broadcast(broadcast(x)) = broadcast(x)") { site throws(TypeError) in
      guard let outer = site.operation as? Broadcast, let (inner, x) = site.definition(site.operands[0], Broadcast.self)
      else { return nil }
      return try site.builder.broadcast(x[0], to: site.shape, axes: inner.axes.map { outer.axes[$0] })
    },
    RewriteRule("broadcast(reshape(x)) that inserts 1s = broadcast(x)") { site throws(TypeError) in
      guard let outer = site.operation as? Broadcast, let (_, x) = site.definition(site.operands[0], Reshape.self)
      else { return nil }
      let source = site.shape(of: x[0])
      let reshaped = site.shape(of: site.operands[0])
      guard source.significantAxes.count == source.rank, source.differsByUnitsOnly(from: reshaped) else { return nil }
      return try site.builder.broadcast(x[0], to: site.shape, axes: reshaped.significantAxes.map { outer.axes[$0] })
    },
  ]

  static let padRules: [RewriteRule] = [
    RewriteRule("pad(x) by nothing = x") { site in
      site.shape(of: site.operands[0]) == site.shape ? site.operands[0] : nil
    },
    RewriteRule("pad(pad(x)) = pad(x)") { site throws(TypeError) in
      guard let outer = site.operation as? Pad, let (inner, x) = site.definition(site.operands[0], Pad.self),
        site.shape(of: x[0]).elementCount > 0
      else { return nil }
      // Zeros between elements spread the inner pads too, if the inner pad has none of its own.
      let steps = outer.interior.map { $0 + 1 }
      guard steps.indices.allSatisfy({ steps[$0] == 1 || inner.interior[$0] == 0 }) else { return nil }
      let axes = steps.indices
      return try site.builder.append(
        Pad(
          low: axes.map { outer.low[$0] + inner.low[$0] * steps[$0] },
          high: axes.map { outer.high[$0] + inner.high[$0] * steps[$0] },
          interior: axes.map { outer.interior[$0] + inner.interior[$0] }), [x[0]])
    },
    zeroRule("pad(0) = 0"),
  ]

  static let sliceRules: [RewriteRule] = [
    RewriteRule("slice(x) of everything = x") { site in
      site.shape(of: site.operands[0]) == site.shape ? site.operands[0] : nil
    },
    RewriteRule("slice(slice(x)) = slice(x)") { site throws(TypeError) in
      guard let outer = site.operation as? Slice, let (inner, x) = site.definition(site.operands[0], Slice.self),
        site.shape.elementCount > 0
      else { return nil }
      let axes = outer.start.indices
      let start = axes.map { inner.start[$0] + outer.start[$0] * inner.stride[$0] }
      let stride = axes.map { inner.stride[$0] * outer.stride[$0] }
      let limit = axes.map { start[$0] + (site.shape[$0] - 1) * stride[$0] + 1 }
      return try site.builder.append(Slice(start: start, limit: limit, stride: stride), x)
    },
    RewriteRule("slice(concatenate(x, y)) within x = slice(x)") { site throws(TypeError) in
      guard let slice = site.operation as? Slice, site.shape.elementCount > 0,
        let (concatenate, parts) = site.definition(site.operands[0], Concatenate.self)
      else { return nil }
      let axis = concatenate.axis
      let last = slice.start[axis] + (site.shape[axis] - 1) * slice.stride[axis]
      var before = 0
      for part in parts {
        let extent = site.shape(of: part)[axis]
        if slice.start[axis] >= before && last < before + extent {
          var start = slice.start
          var limit = slice.limit
          start[axis] -= before
          limit[axis] = last + 1 - before
          return try site.builder.append(Slice(start: start, limit: limit, stride: slice.stride), [part])
        }
        before += extent
      }
      return nil
    },
    RewriteRule("slice(broadcast(x)) = broadcast(slice(x))") { site throws(TypeError) in
      guard let slice = site.operation as? Slice, let (broadcast, x) = site.definition(site.operands[0], Broadcast.self)
      else { return nil }
      let kept = broadcast.axes
      let narrow = Slice(
        start: kept.map { slice.start[$0] }, limit: kept.map { slice.limit[$0] }, stride: kept.map { slice.stride[$0] })
      return try site.builder.broadcast(try site.builder.append(narrow, x), to: site.shape, axes: kept)
    },
    RewriteRule("slice(pad(x)) within x = slice(x)") { site throws(TypeError) in
      guard let slice = site.operation as? Slice, let (pad, x) = site.definition(site.operands[0], Pad.self),
        pad.interior.allSatisfy({ $0 == 0 }), site.shape.elementCount > 0
      else { return nil }
      let source = site.shape(of: x[0])
      let start = slice.start.indices.map { slice.start[$0] - pad.low[$0] }
      let limit = start.indices.map { start[$0] + (site.shape[$0] - 1) * slice.stride[$0] + 1 }
      guard start.indices.allSatisfy({ start[$0] >= 0 && limit[$0] <= source[$0] }) else { return nil }
      return try site.builder.append(Slice(start: start, limit: limit, stride: slice.stride), x)
    },
  ]

  static let concatenateRules: [RewriteRule] = [
    RewriteRule("concatenate(x) = x") { site in site.operands.count == 1 ? site.operands[0] : nil }
  ]

  static let gatherRules: [RewriteRule] = [
    RewriteRule("gather(x, start + i · stride) = slice(x)") { site throws(TypeError) in
      guard let gather = site.operation as? Gather, let indices = site.builder.nodes[site.operands[1].index].constant,
        indices.shape.rank <= 1, let first = indices.integers.first, let last = indices.integers.last
      else { return nil }
      let x = site.shape(of: site.operands[0])
      let positions = indices.integers
      let step = positions.count > 1 ? positions[1].subtractingReportingOverflow(first).partialValue : 1
      guard first >= 0, last < x[gather.axis], step >= 1,
        zip(positions, positions.dropFirst()).allSatisfy({ $1.subtractingReportingOverflow($0) == (step, false) })
      else { return nil }
      var start = [Int](repeating: 0, count: x.rank)
      var stride = [Int](repeating: 1, count: x.rank)
      var limit = x.extents
      (start[gather.axis], limit[gather.axis], stride[gather.axis]) = (Int(first), Int(last) + 1, Int(step))
      let slice = try site.builder.append(Slice(start: start, limit: limit, stride: stride), [site.operands[0]])
      return try site.builder.reshape(slice, site.shape)
    }
  ]

  static let zeroRules: [RewriteRule] = [zeroRule("scatter(0) = untake(0) = windowSpread(0) = 0")]

  /// Operators that only add and move elements keep zeros; indices out of range are found elsewhere.
  static func zeroRule(_ law: String) -> RewriteRule {
    RewriteRule(law) { site throws(TypeError) in
      guard site.isUniform(site.operands[0], 0) else { return nil }
      return try site.filled(0, site.shape)
    }
  }
}
