import IR
import Operators
import TensorTypes

/// What an attack adds to its loss so that squeezers do not tell it: a term for each, in the form that `EvasionForm` says.
///
/// Rounding has the derivative of the identity, a median that of the element it selects. Non-local means are computed
/// outside of the graph, which takes them as its input `squeezed.nlm`, with the derivative of the identity. What squeezed
/// space offers comes as `squeezedTarget.<squeezer>` f32[B, N], where hinges begin as `margin.<squeezer>`, a scalar.
struct Evasion {
  static let inputName = "squeezed.nlm"
  static func targetName(_ squeezer: Squeezer) -> String { "squeezedTarget." + squeezer.name }
  static func marginName(_ squeezer: Squeezer) -> String { "margin." + squeezer.name }

  /// f32[B]
  let loss: Value
  /// What stands for x with the derivative of the identity.
  let inputs: [Value]

  /// - Parameters:
  ///   - network: from `x`, its first input, to `logits`; `builder` continues it.
  init?(of objective: StepObjective, network: Graph, logits: Value, to builder: GraphBuilder) throws(TypeError) {
    guard let x = network.inputs.first else { return nil }
    let form = objective.evasion
    let probabilities = try builder.softmax(logits, axes: [1])
    var inputs: [Value] = []
    var terms: [Value] = []
    for squeezer in objective.evaded {
      var distance: Value?
      if form.searches(for: squeezer) {
        let target = builder.input(Self.targetName(squeezer), builder.type(of: logits))
        distance = try builder.distance(probabilities, target)
      }
      if form.runsNetwork(on: squeezer) {
        let squeezed = try builder.squeezed(x, by: squeezer)
        if squeezer == .nonLocalMeans { inputs.append(squeezed) }
        let copy = try builder.inline(network, inputs: [x: squeezed])[logits.index]
        if form == .code {
          distance = try builder.distance(probabilities, try builder.softmax(copy, axes: [1]))
        } else {
          let products = try builder.multiply(probabilities, try builder.logSoftmax(copy, axes: [1]))
          terms.append(try builder.elementwise(.negate, try builder.sum(products, axes: [1])))
        }
      }
      guard let distance else { continue }
      if form == .code {
        let margin = builder.input(Self.marginName(squeezer), TensorType(.float32, .scalar))
        let beyond = try builder.subtract(distance, try builder.broadcast(margin, to: builder.shape(of: distance)))
        let hinge = try builder.elementwise(.maximum, beyond, builder.scalar(0, like: beyond))
        terms.append(try builder.multiply(hinge, EvasionForm.publishedWeight(of: squeezer)))
      } else {
        terms.append(distance)
      }
    }
    guard var loss = terms.first else { return nil }
    for term in terms.dropFirst() { loss = try builder.add(loss, term) }
    self.loss = loss
    self.inputs = inputs
  }
}

extension Evasion {
  /// What of a step's inputs changes with x: non-local means of the nearest 8-bit levels.
  static func inputs(of objective: StepObjective, at x: [Float], shape: Shape) -> [String: HostTensor] {
    guard objective.evaded.contains(.nonLocalMeans) else { return [:] }
    let levels = x.map { UInt8(min(max(($0 * 255).rounded(), 0), 255)) }
    return [inputName: HostTensor(shape, Squeezer.nonLocalMeans.squeezed(levels, shape: shape))]
  }
}

extension GraphBuilder {
  /// The gradient with respect to x of losses times their weights, to which, where squeezers are evaded, `evasionWeight` ·
  /// that of `Evasion` is added.
  /// - Parameter network: from x, its first input, to `logits`; this builder continues it.
  func gradient(
    of losses: [(Value, Value)], at x: Value, _ objective: StepObjective, network: Graph, logits: Value
  ) throws(TypeError) -> (gradient: Value, evasionLoss: Value?) {
    let evasion = try Evasion(of: objective, network: network, logits: logits, to: self)
    var losses = losses
    if let evasion {
      let weight = input("evasionWeight", TensorType(.float32, .scalar))
      losses.append((evasion.loss, try broadcast(weight, to: shape(of: evasion.loss))))
    }
    var gradients = try pullback(losses, to: [x] + (evasion?.inputs ?? []))
    var gradient = gradients.removeFirst()
    for other in gradients { gradient = try add(gradient, other) }
    return (gradient, evasion?.loss)
  }

  /// Σ_k |p_k − q_k|, f32[B]
  fileprivate func distance(_ p: Value, _ q: Value) throws(TypeError) -> Value {
    try sum(try elementwise(.absolute, try subtract(p, q)), axes: [1])
  }

  fileprivate func squeezed(_ x: Value, by squeezer: Squeezer) throws(TypeError) -> Value {
    switch squeezer {
    case .bits(let bits):
      let steps = Double(1 << bits - 1)
      let rounded = try append(
        Elementwise(.roundHalfEven, declaring: .straightThrough), [try multiply(x, steps)])
      return try divide(rounded, scalar(steps, like: x))
    case .median(let size): return try median(x, size: size)
    case .nonLocalMeans: return input(Evasion.inputName, type(of: x))
    }
  }
}
