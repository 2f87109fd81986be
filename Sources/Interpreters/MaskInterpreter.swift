import Autodiff
import IR
import Operators
import TensorTypes

/// MASK (Fong and Vedaldi 2017; equations 9 and 16 of the paper): the smallest smooth region whose blurring destroys a class.
///
///     min over m in [0, 1] of  p_c(φ(x; m)) + λ₁ Σ |1 − m| + λ₂ TV₃(m),   φ(x; m) = u(m) · x' + (1 − u(m)) · blur(x')
///
/// m is 1 where the image is kept; what is shown and measured as a map is 1 − m. x' is a window of the resized image at an
/// offset that each iteration draws anew, u enlarges the mask and blurs it. Adam minimises from 0.5 everywhere, m being
/// clamped to [0, 1] after each step. The parts of that are appended to graphs here; numbers are those of `MaskConstants`.
public struct MaskInterpreter: Sendable {
  /// From `x` to `logits`.
  public var network: Graph
  public let constants: MaskConstants
  public let smoothness: Smoothness

  /// How TV₃ = Σ_ij (dy[i, j]² + dx[i, j]² + 1e-8)^(3/2) pairs the differences of a mask.
  public enum Smoothness: String, Sendable, Codable, CaseIterable {
    /// dy[i, j] = m[i + 1, j] − m[i, j] and dx[i, j] = m[i, j + 1] − m[i, j], zero beyond the last row or column.
    case paired
    /// dy[i, j] with dx[j, i], as in the published code; for square masks.
    case transposed
  }

  /// - Throws: `InterpreterError` for images too small, or a transposed smoothness of a mask that is not square.
  public init(_ classifier: Classifier, version: MaskVersion = .v2, smoothness: Smoothness = .paired)
    throws(InterpreterError)
  {
    network = classifier.graph
    constants = try MaskConstants(version, imageShape: classifier.imageShape)
    self.smoothness = smoothness
    if smoothness == .transposed, constants.maskShape[1] != constants.maskShape[2] {
      throw .maskNotSquare(maskShape: constants.maskShape)
    }
  }

  /// [B, h, w]
  public var mapShape: Shape { constants.maskShape }

  /// An image batch as the mask takes it: resized, and resized and blurred, f32[B, C, H + margin, W + margin] both.
  public struct Views: Sendable {
    public let sharp: Value
    public let blurred: Value

    public init(sharp: Value, blurred: Value) {
      self.sharp = sharp
      self.blurred = blurred
    }
  }

  /// The views of images x, linear in x.
  public func appendViews(of x: Value, to builder: GraphBuilder) throws(TypeError) -> Views {
    let sharp =
      constants.margin == 0
      ? x : try builder.applied(constants.sharpening(2), constants.sharpening(3), to: x, name: "mask.resize")
    return Views(
      sharp: sharp,
      blurred: try builder.applied(constants.blurring(2), constants.blurring(3), to: x, name: "mask.blur"))
  }

  /// p_c + λ₁ Σ |1 − m| + λ₂ TV₃(m) of each image, f32[B].
  /// - Parameters:
  ///   - mask: f32[B, h, w]
  ///   - offset: i64[2], the rows above the window and the columns left of it; without jitter it is not looked at.
  ///   - classes: i64[B]
  public func appendLoss(
    of mask: Value, _ views: Views, offset: Value, classes: Value, _ copies: NetworkCopies, to builder: GraphBuilder
  ) throws(TypeError) -> Value {
    let sharp = try window(of: views.sharp, at: offset, in: builder)
    let blurred = try window(of: views.blurred, at: offset, in: builder)
    let shape = constants.imageShape
    let large = try builder.applied(constants.enlarging(2), constants.enlarging(3), to: mask, name: "mask.enlarge")
    let weight = try builder.broadcast(large, to: shape, axes: [0, 2, 3])
    let blend = try builder.add(blurred, try builder.multiply(weight, try builder.subtract(sharp, blurred)))
    let probabilities = try builder.softmax(try copies.append(on: blend, to: builder), axes: [1])
    let own = try builder.append(Take(batchRank: 1), [probabilities, classes])
    let removed = try builder.elementwise(.absolute, try builder.subtract(builder.scalar(1, like: mask), mask))
    let area = try builder.multiply(try builder.sum(removed, axes: [1, 2]), constants.sparsity)
    let roughness = try builder.multiply(try variation(of: mask, in: builder), constants.variation)
    return try builder.add(try builder.add(own, area), roughness)
  }

  /// The part of a view that lies behind an offset, of the images' own size.
  private func window(of view: Value, at offset: Value, in builder: GraphBuilder) throws(TypeError) -> Value {
    guard constants.margin > 0 else { return view }
    var result = view
    for axis in 2...3 {
      let extent = constants.imageShape[axis]
      let numbers = builder.constant(HostTensor([extent], (0..<Int64(extent)).map { $0 }), name: "mask.positions")
      let start = try builder.broadcast(try builder.slice(offset, axis: 0, from: axis - 2, to: axis - 1), to: [extent])
      result = try builder.append(Gather(axis: axis), [result, try builder.add(numbers, start)])
    }
    return result
  }

  /// TV₃, f32[B].
  private func variation(of mask: Value, in builder: GraphBuilder) throws(TypeError) -> Value {
    let shape = constants.maskShape
    func differences(_ axis: Int) throws(TypeError) -> Value {
      let next = (1...Int64(shape[axis])).map { min($0, Int64(shape[axis] - 1)) }
      let neighbours = builder.constant(HostTensor([shape[axis]], next), name: "mask.neighbours")
      return try builder.subtract(try builder.append(Gather(axis: axis), [mask, neighbours]), mask)
    }
    var vertical = try differences(1)
    var horizontal = try differences(2)
    if smoothness == .transposed {
      vertical = try builder.slice(vertical, axis: 1, from: 0, to: shape[1] - 1)
      horizontal = try builder.slice(try builder.permute(horizontal, [0, 2, 1]), axis: 1, from: 0, to: shape[2] - 1)
    }
    let squares = try builder.add(
      try builder.multiply(vertical, vertical), try builder.multiply(horizontal, horizontal))
    let sum = try builder.add(squares, 1e-8)
    return try builder.sum(try builder.multiply(sum, try builder.elementwise(.squareRoot, sum)), axes: [1, 2])
  }
}
