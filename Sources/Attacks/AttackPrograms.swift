import Autodiff
import IR
import Interpreters
import Operators
import TensorTypes

/// The graphs that an attack on one interpreter runs: the driver chooses numbers and which graph is next, never graphs.
///
/// - `map`: x, class i64[B] → map f32[B, h, w], low and extent f32[B] of the raw map, probabilities f32[B, N].
/// - `pgdStep`: x, origin, target i64[B], alpha, eps → next, crossEntropy f32[B] (of x, before the step).
/// - `step`: also mapTarget f32[B, h, w], coefficient, where squeezers are evaded evasionWeight and the inputs of `Evasion`,
///   and, with smoothed labels, labelProbability f32[B] → also mapLoss f32[B].
public enum AttackPrograms {
  public static let mapName = "map", pgdStepName = "pgdStep", stepName = "step"

  /// The interpreter's map and the probabilities.
  public static func map(_ interpreter: any Interpreter) throws(TypeError) -> Graph {
    let (builder, logits) = try continuing(interpreter.network)
    let classes = builder.input("class", TensorType(.int64, [builder.shape(of: logits)[0]]))
    let map = try interpreter.appendMap(ofClasses: classes, to: builder)
    return builder.finish(
      name: mapName,
      outputs: [
        ("map", map.normalised), ("low", map.low), ("extent", map.extent),
        ("probabilities", try builder.softmax(logits, axes: [1])),
      ])
  }

  /// A step against the cross entropy of the target; up it where alpha is negative.
  public static func pgdStep(_ interpreter: any Interpreter, _ norm: ThreatModel.Norm = .linf) throws(TypeError) -> Graph {
    try pgdStep(of: interpreter.network, norm)
  }

  /// - Parameter network: from `x` to `logits`.
  public static func pgdStep(of network: Graph, _ norm: ThreatModel.Norm = .linf) throws(TypeError) -> Graph {
    let (builder, logits) = try continuing(network)
    let inputs = try StepInputs(builder, logits)
    let crossEntropy = try builder.crossEntropy(logits, target: inputs.target)
    let gradient = try builder.pullback([(crossEntropy, try builder.ones(like: crossEntropy))], to: [inputs.x])[0]
    return builder.finish(
      name: pgdStepName,
      outputs: [("next", try inputs.step(against: gradient, norm, in: builder)), ("crossEntropy", crossEntropy)])
  }

  /// A step against cross entropy + coefficient · mean or sum of (map − mapTarget)², the map being that of the target class;
  /// of an interpreter with an encoder that classifies by itself also against `encoderWeight` · its cross entropy.
  public static func step(_ interpreter: any Interpreter, _ objective: StepObjective = StepObjective()) throws(TypeError)
    -> Graph
  {
    let (builder, logits) = try continuing(interpreter.network)
    let inputs = try StepInputs(builder, logits)
    let mapTarget = builder.input("mapTarget", TensorType(.float32, interpreter.mapShape))
    let coefficient = builder.input("coefficient", TensorType(.float32, .scalar))
    let crossEntropy = try crossEntropy(logits, inputs, objective, in: builder)
    let map = try interpreter.appendDifferentiableMap(ofClasses: inputs.target, to: builder)
    let mapLoss = try builder.mapLoss(map.normalised, target: mapTarget, of: interpreter, objective)
    let weight = try builder.broadcast(coefficient, to: builder.shape(of: mapLoss))
    var losses = [(crossEntropy, try builder.ones(like: crossEntropy)), (mapLoss, weight)]
    var outputs = [("crossEntropy", crossEntropy), ("mapLoss", mapLoss)]
    if let encoder = try builder.encoderLoss(of: interpreter, target: inputs.target) {
      losses.append((encoder.loss, encoder.weight))
    }
    let (gradient, evasionLoss) = try builder.gradient(
      of: losses, at: inputs.x, objective, network: interpreter.network, logits: logits)
    if let evasionLoss { outputs.append(("evasionLoss", evasionLoss)) }
    return builder.finish(
      name: stepName,
      outputs: [("next", try inputs.step(against: gradient, objective.norm, in: builder))] + outputs)
  }

  /// ℓ_enc of the paper, λ₂ of its table 11.
  public static let encoderWeight = 0.1

  /// With smoothed labels it takes a further input, labelProbability f32[B].
  static func crossEntropy(_ logits: Value, _ inputs: StepInputs, _ objective: StepObjective, in builder: GraphBuilder)
    throws(TypeError) -> Value
  {
    guard objective.smoothsLabels else { return try builder.crossEntropy(logits, target: inputs.target) }
    let probability = builder.input("labelProbability", TensorType(.float32, builder.shape(of: inputs.target)))
    return try builder.crossEntropy(logits, target: inputs.target, probability: probability)
  }

  static func continuing(_ network: Graph) throws(TypeError) -> (GraphBuilder, logits: Value) {
    guard let logits = network.output(named: "logits") else {
      throw TypeError("attack", "the network lacks its output logits", [])
    }
    return (GraphBuilder(continuing: network), logits)
  }
}

/// The inputs that all steps share.
struct StepInputs {
  let x, origin, target, alpha, eps: Value

  init(_ builder: GraphBuilder, _ logits: Value) throws(TypeError) {
    guard let x = builder.inputs.first else { throw TypeError("attack", "the network lacks its input x", []) }
    self.x = x
    origin = builder.input("origin", builder.type(of: x))
    target = builder.input("target", TensorType(.int64, [builder.shape(of: logits)[0]]))
    alpha = builder.input("alpha", TensorType(.float32, .scalar))
    eps = builder.input("eps", TensorType(.float32, .scalar))
  }

  func step(against gradient: Value, _ norm: ThreatModel.Norm, in builder: GraphBuilder) throws(TypeError) -> Value {
    try builder.descentStep(x, gradient: gradient, origin: origin, alpha: alpha, eps: eps, norm: norm)
  }
}

extension GraphBuilder {
  /// The cross entropy of the target in what the encoder of RTS sees, and its weight; nil for a network without one.
  func encoderLoss(of interpreter: any Interpreter, target: Value) throws(TypeError) -> (loss: Value, weight: Value)? {
    guard let logits = interpreter.network.output(named: RealTimeSaliency.encoderLogitsName) else { return nil }
    let loss = try crossEntropy(logits, target: target)
    return (loss, try broadcast(scalar(AttackPrograms.encoderWeight, like: loss), to: shape(of: loss)))
  }

  func ones(like value: Value) throws(TypeError) -> Value {
    try broadcast(scalar(1, like: value), to: shape(of: value))
  }
}
