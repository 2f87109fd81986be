import Autodiff
import IR
import Operators
import TensorTypes

/// DeepLIFT with the rescale rule (Shrikumar et al. 2017): the difference to what the network makes of a baseline image,
/// shared out among the values of the image.
///
///     a = (x − x̄) ⊙ g,  g_z = g_y · (f(z) − f(z̄)) / (z − z̄) at y = f(z),  Σ a = z_c(x) − z_c(x̄)
///
/// z̄ is z of the baseline; where they differ by less than 1e-6, f' takes the place of the quotient. Of a product of two
/// values each gets half of both others, (b + b̄) / 2; of a maximum the place that holds it and the place that holds the
/// baseline's share the difference, as captum does it. In the loss of an attack the quotients are differentiated, but for
/// those that are the slope of a piece of f, which has the derivative of the paper's h.
///
/// Cost: one more forward sweep than a gradient.
public struct DeepLIFT: PixelInterpreter {
  public let name = "deeplift"
  public var network: Graph
  public var derivative = KinkDerivative.smoothed
  public let pixels: PixelMap
  public let baseline: Baseline

  public var sweeps: SweepCounts { SweepCounts(forward: 1, backward: 1, secondOrder: 1) }

  public init(_ classifier: Classifier, baseline: Baseline = .black) {
    network = classifier.graph
    pixels = PixelMap(imageShape: classifier.imageShape)
    self.baseline = baseline
  }

  /// - Throws: for a network with an operation of several values that no rule shares out.
  public func appendAttribution(through values: [Value], ofClasses classes: Value, to builder: GraphBuilder)
    throws(TypeError) -> Value
  {
    let x = try ends(of: values, in: builder).x
    let reference = try builder.baseline(baseline, like: x)
    let references = try builder.inline(network, inputs: [x: reference])
    let pairs = Dictionary(zip(values, references)) { first, _ in first }
    let gradient = try logitGradient(
      through: values, ofClasses: classes, rule: RescaleRule(references: pairs), in: builder)
    return try builder.multiply(try builder.subtract(x, reference), gradient)
  }
}

private struct RescaleRule: PullbackRule {
  /// For each value of the network that of the baseline.
  let references: [Value: Value]

  func terms(of node: Node, _ result: Value, cotangent: Value, active: [Value], in builder: GraphBuilder)
    throws(TypeError) -> [(operand: Value, cotangent: Value)]?
  {
    guard let reference = references[result] else { return nil }
    if node.operation is Take, active == node.operands {
      return try maximumTerms(node, result, reference, cotangent, in: builder)
    }
    if node.isLinear(in: active) { return nil }
    guard let elementwise = node.operation as? Elementwise else { throw refusal(node) }
    if elementwise.function == .multiply {
      let (a, b) = (node.operands[0], node.operands[1])
      return [
        (a, try builder.multiply(cotangent, try middle(b, in: builder))),
        (b, try builder.multiply(cotangent, try middle(a, in: builder))),
      ]
    }
    guard active.count == 1, let z = active.first, elementwise.function != .select else { throw refusal(node) }
    let quotient = try quotient(elementwise, node, z, result, reference, in: builder)
    return [(z, try builder.multiply(cotangent, quotient))]
  }

  private func refusal(_ node: Node) -> TypeError {
    node.refusal("DeepLIFT", "sums, products of two values, functions of one value and maxima of a window are shared out")
  }

  private func middle(_ value: Value, in builder: GraphBuilder) throws(TypeError) -> Value {
    try builder.multiply(try builder.add(value, references[value] ?? value), 0.5)
  }

  /// (f(z) − f(z̄)) / (z − z̄)
  private func quotient(
    _ f: Elementwise, _ node: Node, _ z: Value, _ y: Value, _ reference: Value, in builder: GraphBuilder
  ) throws(TypeError) -> Value {
    let slope = try builder.terms(of: node, y, cotangent: try ones(like: z, in: builder), active: [z]).first?.cotangent
    let zReference = references[z] ?? z
    let difference = try builder.subtract(z, zReference)
    let isSmall = try isSmall(difference, in: builder)
    let quotient = try builder.divide(
      try builder.subtract(y, reference),
      try builder.elementwise(.select, isSmall, builder.scalar(1, like: z), difference))
    guard let slope else { return quotient }
    var goesBySlope = isSmall
    if f.declared != .plain {
      let onOnePiece = try isOnOnePiece(f, node.operands, (z, y), (zReference, reference), in: builder)
      goesBySlope = try builder.elementwise(.logicalOr, isSmall, onOnePiece)
    }
    return try builder.elementwise(.select, goesBySlope, slope, quotient)
  }

  /// Whether ReLU, Clip or LeakyRelu is one straight line from z̄ to z.
  private func isOnOnePiece(
    _ f: Elementwise, _ operands: [Value], _ here: (z: Value, y: Value), _ there: (z: Value, y: Value),
    in builder: GraphBuilder
  ) throws(TypeError) -> Value {
    func isSloped(_ point: (z: Value, y: Value)) throws(TypeError) -> Value {
      if f.function == .clip {
        return try builder.elementwise(
          .logicalAnd, try builder.elementwise(.less, operands[1], point.y),
          try builder.elementwise(.less, point.y, operands[2]))
      }
      return try builder.elementwise(.less, builder.scalar(0, like: point.z), point.z)
    }
    let isSlopedHere = try isSloped(here)
    let isAlike = try builder.elementwise(.equal, isSlopedHere, try isSloped(there))
    guard f.function == .clip else { return isAlike }
    let isFlat = try builder.elementwise(.equal, here.y, there.y)
    return try builder.elementwise(.logicalAnd, isAlike, try builder.elementwise(.logicalOr, isSlopedHere, isFlat))
  }

  /// With M = max(y, ȳ) the place of the maximum gets M − ȳ, and that of the baseline's y − M.
  private func maximumTerms(_ node: Node, _ y: Value, _ reference: Value, _ cotangent: Value, in builder: GraphBuilder)
    throws(TypeError) -> [(operand: Value, cotangent: Value)]
  {
    guard let take = node.operation as? Take, let indices = references[node.operands[1]],
      let xReference = references[node.operands[0]]
    else { throw refusal(node) }
    let x = node.operands[0]
    let difference = try builder.subtract(x, xReference)
    let larger = try builder.elementwise(.maximum, y, reference)
    func term(_ share: Value, at indices: Value, otherwise: Double) throws(TypeError) -> (operand: Value, cotangent: Value) {
      let own = try builder.append(take, [difference, indices])
      let isSmall = try isSmall(own, in: builder)
      let one = builder.scalar(1, like: x)
      let slope = try builder.elementwise(
        .select, isSmall, builder.scalar(otherwise, like: x),
        try builder.divide(share, try builder.elementwise(.select, isSmall, one, own)))
      return (x, try take.transpose(try builder.multiply(cotangent, slope), operand: 0, of: [x, indices], in: builder))
    }
    return [
      try term(try builder.subtract(larger, reference), at: node.operands[1], otherwise: 1),
      try term(try builder.subtract(y, larger), at: indices, otherwise: 0),
    ]
  }

  private func isSmall(_ difference: Value, in builder: GraphBuilder) throws(TypeError) -> Value {
    try builder.elementwise(.less, try builder.elementwise(.absolute, difference), builder.scalar(1e-6, like: difference))
  }

  private func ones(like value: Value, in builder: GraphBuilder) throws(TypeError) -> Value {
    try builder.broadcast(builder.scalar(1, like: value), to: builder.shape(of: value))
  }
}
