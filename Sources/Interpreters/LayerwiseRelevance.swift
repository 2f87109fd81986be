import Autodiff
import IR
import Operators
import TensorTypes

/// ε-LRP (Bach et al. 2015) as a changed gradient (Ancona et al. 2018): every function that is no sum passes on the share
/// that it makes of what it gets.
///
///     a = x ⊙ g,  g_z = g_y · f(z) / (z + ε sign z) at y = f(z),  sign 0 = 1
///
/// x are the pixels in [0, 1]. Without biases and with ReLU alone it is Gradient × Input. In the loss of an attack the share
/// of ReLU, which is 0 or 1, has the derivative of the paper's h.
public struct LayerwiseRelevance: PixelInterpreter {
  public let name = "lrp"
  public var network: Graph
  public var derivative = KinkDerivative.smoothed
  public let pixels: PixelMap
  /// ε
  public let stabiliser: Double

  /// - Parameter stabiliser: ε, positive.
  public init(_ classifier: Classifier, stabiliser: Double = 1e-4) {
    network = classifier.graph
    pixels = PixelMap(imageShape: classifier.imageShape)
    self.stabiliser = stabiliser
  }

  /// - Throws: for a network with an operation that has no share: a function that is not 0 at 0, or one of several operands.
  public func appendAttribution(through values: [Value], ofClasses classes: Value, to builder: GraphBuilder)
    throws(TypeError) -> Value
  {
    let rule = Rule(stabiliser: stabiliser)
    let gradient = try logitGradient(through: values, ofClasses: classes, rule: rule, in: builder)
    return try builder.multiply(try ends(of: values, in: builder).x, gradient)
  }

  private struct Rule: PullbackRule {
    let stabiliser: Double

    func terms(of node: Node, _ result: Value, cotangent: Value, active: [Value], in builder: GraphBuilder)
      throws(TypeError) -> [(operand: Value, cotangent: Value)]?
    {
      if node.isLinear(in: active) { return nil }
      guard let elementwise = node.operation as? Elementwise, let z = active.first, active.count == 1, z == node.operands[0],
        [.relu, .clip, .leakyRelu, .hyperbolicTangent, .errorFunction, .sine].contains(elementwise.function)
      else {
        throw node.refusal(
          "layer-wise relevance", "it passes through sums, and functions of one value that are 0 at 0")
      }
      return [(z, try builder.multiply(cotangent, try share(elementwise, z, result, node.operands, in: builder)))]
    }

    /// f(z) / (z + ε sign z)
    private func share(_ f: Elementwise, _ z: Value, _ y: Value, _ operands: [Value], in builder: GraphBuilder)
      throws(TypeError) -> Value
    {
      let zero = try builder.broadcast(builder.scalar(0, like: z), to: builder.shape(of: z))
      let isNegative = try builder.elementwise(.less, z, zero)
      let sign = try builder.elementwise(.select, isNegative, builder.scalar(-1, like: z), builder.scalar(1, like: z))
      let quotient = try builder.divide(y, try builder.add(z, try builder.multiply(sign, stabiliser)))
      guard f.declared != .plain else { return quotient }
      // Where the share is the slope of f, the declared slope stands for it.
      let slope = try builder.terms(
        of: Node(.operation(f), operands, builder.type(of: y), builder.location), y,
        cotangent: try builder.broadcast(builder.scalar(1, like: z), to: builder.shape(of: z)), active: [z])
      guard let slope = slope.first?.cotangent, f.function == .clip else { return slope.first?.cotangent ?? quotient }
      let isInside = try builder.elementwise(
        .logicalAnd, try builder.elementwise(.less, operands[1], y), try builder.elementwise(.less, y, operands[2]))
      let isSloped = try builder.elementwise(.logicalOr, isInside, try builder.elementwise(.equal, y, zero))
      return try builder.elementwise(.select, isSloped, slope, quotient)
    }
  }
}

extension Node {
  /// Whether the result is linear in those of its operands that depend on the image, whatever indices choose.
  func isLinear(in active: [Value]) -> Bool {
    switch operation {
    case let elementwise as Elementwise:
      switch elementwise.function {
      case .add, .subtract, .negate: true
      case .multiply: active.count == 1
      case .divide: active == [operands[0]]
      case .select: !active.contains(operands[0])
      default: false
      }
    case let operation?:
      switch operation.derivative {
      case .linear: true
      case .multilinear(let rule):
        operands.indices.count { active.contains(operands[$0]) && rule.isLinear(inOperand: $0) } == 1
      default: false
      }
    case nil: true
    }
  }

  /// What a network with this node is told by an interpreter that has no rule for it.
  func refusal(_ interpreter: String, _ accepted: String) -> TypeError {
    let mnemonic = operation?.mnemonic ?? "input"
    return TypeError(
      interpreter, "there is no rule for \(mnemonic)\(location.node.map { " (node \($0))" } ?? ""): \(accepted)", [])
  }
}
