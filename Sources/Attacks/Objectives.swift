import IR
import Interpreters
import Operators
import TensorTypes

/// The form of the loss that one step goes against.
public struct StepObjective: Sendable, Equatable {
  /// How the squared differences of two maps become one number.
  public enum MapReduction: String, Sendable, CaseIterable { case mean, sum }

  public var mapReduction: MapReduction
  /// Whether the cross entropy is that of a label which gives the target a probability below one.
  public var smoothsLabels: Bool
  /// Of the ball that a step stays in, and of the step.
  public var norm: ThreatModel.Norm
  /// The squeezers that shall not tell the attack.
  public var evaded: [Squeezer]
  public var evasion: EvasionForm

  public init(
    mapReduction: MapReduction = .mean, smoothsLabels: Bool = false, norm: ThreatModel.Norm = .linf,
    evaded: [Squeezer] = [], evasion: EvasionForm = .direct
  ) {
    self.mapReduction = mapReduction
    self.smoothsLabels = smoothsLabels
    self.norm = norm
    self.evaded = evaded
    self.evasion = evasion
  }
}

// Losses of an attack, one number for each image: nothing in a batch influences another image.
extension GraphBuilder {
  /// −log p[b, target[b]], f32[B], from logits [B, N].
  public func crossEntropy(_ logits: Value, target: Value) throws(TypeError) -> Value {
    let logProbabilities = try logSoftmax(logits, axes: [1])
    return try elementwise(.negate, try append(Take(batchRank: 1), [logProbabilities, target]))
  }

  /// −Σ_k q_k log p[b, k], f32[B]: the target has probability q[b], the other N − 1 classes share the rest alike.
  public func crossEntropy(_ logits: Value, target: Value, probability q: Value) throws(TypeError) -> Value {
    let logProbabilities = try logSoftmax(logits, axes: [1])
    let own = try append(Take(batchRank: 1), [logProbabilities, target])
    let others = try subtract(try sum(logProbabilities, axes: [1]), own)
    let rest = try multiply(try subtract(scalar(1, like: q), q), 1 / Double(shape(of: logits)[1] - 1))
    return try elementwise(.negate, try add(try multiply(q, own), try multiply(rest, others)))
  }

  /// max over k ≠ target of z[b, k], minus z[b, target[b]], f32[B], from logits [B, N]: negative once the target is the
  /// label.
  public func margin(_ logits: Value, target: Value) throws(TypeError) -> Value {
    let strongest = try maximum(try self.logits(logits, without: target), axes: [1])
    return try subtract(strongest, try append(Take(batchRank: 1), [logits, target]))
  }

  /// The loss of an interpreter's map, f32[B].
  func mapLoss(_ map: Value, target: Value, of interpreter: any Interpreter, _ objective: StepObjective) throws(TypeError)
    -> Value
  {
    guard let combined = interpreter as? CombinedInterpreter else {
      return try mapLoss(map, target: target, objective.mapReduction)
    }
    return try mapLoss(map, target: target, of: combined)
  }

  /// Σ over interpreters of weight · mean over the places of each of (map − target)², f32[B].
  private func mapLoss(_ map: Value, target: Value, of interpreter: CombinedInterpreter) throws(TypeError) -> Value {
    let height = interpreter.mapShape[1] / interpreter.count
    var sum: Value?
    for (index, weight) in interpreter.weights.enumerated() {
      let (low, high) = (index * height, (index + 1) * height)
      let loss = try multiply(
        try mapLoss(
          try slice(map, axis: 1, from: low, to: high), target: try slice(target, axis: 1, from: low, to: high), .mean),
        weight)
      if let known = sum { sum = try add(known, loss) } else { sum = loss }
    }
    guard let sum else { throw TypeError("mapLoss", "there is no interpreter", []) }
    return sum
  }

  /// The mean or the sum over all places of (map − target)², f32[B].
  public func mapLoss(_ map: Value, target: Value, _ reduction: StepObjective.MapReduction) throws(TypeError) -> Value {
    let difference = try subtract(map, target)
    let squares = try multiply(difference, difference)
    return switch reduction {
    case .mean: try mean(squares, axes: [1, 2])
    case .sum: try sum(squares, axes: [1, 2])
    }
  }
}
