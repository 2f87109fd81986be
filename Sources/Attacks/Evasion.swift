import IR
import Operators
import TensorTypes

/// What an attack adds to its loss so that squeezers do not tell it (Algorithm 2 of the paper, with its cross entropy):
///
///     Σ over the squeezers ψ of −Σ_k p_k(x) log p_k(ψ(x))
///
/// Rounding has the derivative of the identity, a median that of the element it selects. Non-local means are computed outside
/// of the graph, which takes them as its input `squeezed.nlm`, with the derivative of the identity.
struct Evasion {
  static let inputName = "squeezed.nlm"

  /// f32[B]
  let loss: Value
  /// What stands for x with the derivative of the identity.
  let inputs: [Value]

  /// - Parameters:
  ///   - network: from `x`, its first input, to `logits`; `builder` continues it.
  init?(of squeezers: [Squeezer], network: Graph, logits: Value, to builder: GraphBuilder) throws(TypeError) {
    guard let x = network.inputs.first, !squeezers.isEmpty else { return nil }
    let probabilities = try builder.softmax(logits, axes: [1])
    var inputs: [Value] = []
    var loss: Value?
    for squeezer in squeezers {
      let squeezed: Value
      switch squeezer {
      case .bits(let bits):
        let steps = Double(1 << bits - 1)
        let rounded = try builder.append(
          Elementwise(.roundHalfEven, declaring: .straightThrough), [try builder.multiply(x, steps)])
        squeezed = try builder.divide(rounded, builder.scalar(steps, like: x))
      case .median(let size): squeezed = try builder.median(x, size: size)
      case .nonLocalMeans:
        squeezed = builder.input(Self.inputName, builder.type(of: x))
        inputs.append(squeezed)
      }
      let copy = try builder.inline(network, inputs: [x: squeezed])[logits.index]
      let products = try builder.multiply(probabilities, try builder.logSoftmax(copy, axes: [1]))
      let term = try builder.elementwise(.negate, try builder.sum(products, axes: [1]))
      if let known = loss { loss = try builder.add(known, term) } else { loss = term }
    }
    guard let loss else { return nil }
    self.loss = loss
    self.inputs = inputs
  }
}
