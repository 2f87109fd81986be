import IR
import TensorTypes

// Images that are sampled at other places, and planes that continue beyond their edges.
extension GraphBuilder {
  /// Each pixel replaced by what stands where its flow points, bilinear between pixels (Xiao et al. 2018, "Spatially
  /// Transformed Adversarial Examples", equation 1):
  ///
  ///     y[b, c, i, j] = Σ over the four pixels around p of image[b, c, ·] · (1 − |p₀ − ·|) (1 − |p₁ − ·|)
  ///     p = (i + flow[b, 0, i, j], j + flow[b, 1, i, j]), each clipped to the image
  ///
  /// No flow is the identity, exactly. Differentiable in the image and, but for whole positions, in the flow, whose
  /// derivative is zero where p is clipped.
  /// - Parameters:
  ///   - image: [B, C, H, W].
  ///   - flow: [B, 2, H, W], down and to the right, in pixels.
  public func bilinearWarp(_ image: Value, flow: Value) throws(TypeError) -> Value {
    let shape = shape(of: image)
    guard shape.rank == 4, self.shape(of: flow) == [shape[0], 2, shape[2], shape[3]] else {
      throw TypeError(
        "bilinearWarp", "an image [B,C,H,W] and a flow [B,2,H,W] are needed", [type(of: image), type(of: flow)])
    }
    let rows = try samplePositions(flow, component: 0, extent: shape[2])
    let columns = try samplePositions(flow, component: 1, extent: shape[3])
    let width = scalar(Double(shape[3]), .int64)
    func pixels(_ row: Value, _ column: Value) throws(TypeError) -> Value {
      let position = try add(try multiply(row, width), column)
      return try append(Take(batchRank: 2), [image, try broadcast(position, to: shape, axes: [0, 2, 3])])
    }
    func between(_ low: Value, _ high: Value, _ weight: Value) throws(TypeError) -> Value {
      let weight = try broadcast(weight, to: shape, axes: [0, 2, 3])
      return try add(
        try multiply(low, try subtract(scalar(1, like: weight), weight)), try multiply(high, weight))
    }
    return try between(
      try between(try pixels(rows.low, columns.low), try pixels(rows.low, columns.high), columns.weight),
      try between(try pixels(rows.high, columns.low), try pixels(rows.high, columns.high), columns.weight), rows.weight)
  }

  /// The two pixels between which each sample lies along an axis, i64[B, H, W], and the weight of the upper one.
  private func samplePositions(_ flow: Value, component: Int, extent: Int) throws(TypeError) -> (
    low: Value, high: Value, weight: Value
  ) {
    let shape = shape(of: flow)
    let plane = Shape([shape[0], shape[2], shape[3]])
    let shift = try reshape(try slice(flow, axis: 1, from: component, to: component + 1), plane)
    let own = constant(
      HostTensor(TensorType(type(of: flow).element, [extent]), .double((0..<extent).map(Double.init))), name: "grid")
    let position = try clip(
      try add(shift, try broadcast(own, to: plane, axes: [component + 1])), 0, Double(extent - 1))
    let low = try clip(try elementwise(.floor, position), 0, Double(max(extent - 2, 0)))
    let first = try convert(low, to: .int64)
    let second = extent > 1 ? try add(first, scalar(1, .int64)) : first
    return (first, second, try subtract(position, try elementwise(.stopGradient, low)))
  }

  /// What stands in place of the elements beyond both ends of an axis.
  public enum Continuation: Sendable {
    /// The element at the end again and again: a a | a b c | c c.
    case replicate
    /// The mirror image with the element at the end (SciPy's `reflect`): b a | a b c | c b.
    case symmetric
  }

  /// The planes of x, [..., H, W], continued by some elements on all four sides.
  public func continued(_ x: Value, by count: Int, _ continuation: Continuation) throws(TypeError) -> Value {
    var x = x
    for axis in (shape(of: x).rank - 2)..<shape(of: x).rank {
      let extent = shape(of: x)[axis]
      let sources = (-count..<extent + count).map { position -> Int64 in
        switch continuation {
        case .replicate: return Int64(min(max(position, 0), extent - 1))
        case .symmetric:
          let place = ((position % (2 * extent)) + 2 * extent) % (2 * extent)
          return Int64(min(place, 2 * extent - 1 - place))
        }
      }
      x = try append(Gather(axis: axis), [x, constant(HostTensor([sources.count], sources), name: "continuation")])
    }
    return x
  }
}
