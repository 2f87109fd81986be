import IR
import Operators
import TensorTypes

/// Adam with the largest second moment so far (Kingma and Ba 2015; Reddi, Kale and Kumar 2018), as a part of a graph:
///
///     m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  v̂ ← max(v̂, v)
///     x ← x − rate / (1 − β₁ᵗ) · m / (√v̂ / √(1 − β₂ᵗ) + ε)
///
/// β₁ = 0.9, β₂ = 0.999, ε = 1e-8, in the order of PyTorch, which corrects the largest second moment and not each.
public struct AMSGrad: Sendable, Equatable {
  static let firstDecay = 0.9, secondDecay = 0.999, stabiliser = 1e-8
  static let stateNames = ["firstMoment", "secondMoment", "largestSecondMoment"]

  public var rate: Double

  public init(rate: Double) { self.rate = rate }

  /// What the graph takes at step `number`, counted from 1: `rate` / (1 − β₁ᵗ), and √(1 − β₂ᵗ).
  public func numbers(step number: Int) -> [String: HostTensor] {
    func remainder(_ decay: Double) -> Double {
      var power = 1.0
      for _ in 0..<number { power *= decay }
      return 1 - power
    }
    return [
      "stepSize": .scalar(rate / remainder(Self.firstDecay)),
      "secondCorrection": .scalar(remainder(Self.secondDecay).squareRoot()),
    ]
  }

  /// The state ahead of the first step, for a variable of some shape.
  public func initialState(_ shape: Shape) -> [String: HostTensor] {
    let zeros = HostTensor(shape, [Float](repeating: 0, count: shape.elementCount))
    return Dictionary(uniqueKeysWithValues: Self.stateNames.map { ($0, zeros) })
  }

  /// The state after a step of a graph, from its outputs.
  public func nextState(in outputs: [String: HostTensor], of graph: String) throws(AttackError) -> [String: HostTensor] {
    var state: [String: HostTensor] = [:]
    for name in Self.stateNames { state[name] = try outputs.required("next.\(name)", of: graph) }
    return state
  }
}

extension GraphBuilder {
  /// One step of ``AMSGrad``, with its state and numbers as inputs of the graph.
  /// - Returns: the variable, and the state as outputs of the graph.
  func appendAMSGrad(_ variable: Value, gradient: Value) throws(TypeError) -> (next: Value, state: [(String, Value)]) {
    let type = type(of: variable)
    let state = AMSGrad.stateNames.map { input($0, type) }
    let stepSize = input("stepSize", TensorType(.float32, .scalar))
    let secondCorrection = input("secondCorrection", TensorType(.float32, .scalar))
    func decayed(_ moment: Value, _ decay: Double, _ new: Value) throws(TypeError) -> Value {
      try add(try multiply(moment, decay), try multiply(new, 1 - decay))
    }
    let first = try decayed(state[0], AMSGrad.firstDecay, gradient)
    let second = try decayed(state[1], AMSGrad.secondDecay, try multiply(gradient, gradient))
    let largest = try elementwise(.maximum, state[2], second)
    let deviation = try add(
      try divide(try elementwise(.squareRoot, largest), secondCorrection), AMSGrad.stabiliser)
    let next = try subtract(variable, try multiply(try divide(first, deviation), stepSize))
    return (next, zip(AMSGrad.stateNames, [first, second, largest]).map { ("next.\($0)", $1) })
  }
}
