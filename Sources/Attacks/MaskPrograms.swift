import Autodiff
import IR
import Interpreters
import Operators
import TensorTypes

/// The graphs that MASK and the attack on it run, beside `pgdStep`.
///
/// - `scores`: x → probabilities f32[B, N].
/// - `maskViews`: x → sharp, blurred, the images as the mask takes them.
/// - `maskStep`: sharp, blurred, mask, mean, squares f32[B, h, w], offset i64[2], corrections f32[2], class i64[B] → mask,
///   mean, squares after one step of Adam.
/// - `marginSignStep`: x, origin, target i64[B], alpha, eps, where squeezers are evaded evasionWeight and the inputs of
///   `Evasion` → next, margin f32[B] (of x, before the step).
/// - `marginStep`: the same, along the gradient over its norm instead of the gradient's sign.
/// - `lookahead`: x, mask, mean, squares, maskTarget f32[B, h, w], target, offsets i64[n, 2], corrections f32[n, 2] → mask,
///   mean, squares after n steps; mapLoss f32[B], the mean over steps of ‖m_j − maskTarget‖²; norm f32[B] of its gradient
///   with respect to x, and direction, the gradient over its norm (zero where that is zero).
/// - `marginSearch`: x, direction, alphas f32[B], origin, target, eps → next, x − alpha · direction within eps and [0, 1],
///   and its margin and targetProbability f32[B].
public enum MaskPrograms {
  public static let scoresName = "scores", viewsName = "maskViews", stepName = "maskStep"
  public static let signStepName = "marginSignStep", marginStepName = "marginStep"
  public static let lookaheadName = "lookahead", searchName = "marginSearch"

  /// Which derivatives the lookahead takes.
  public enum Lookahead: String, Sendable, CaseIterable, Codable {
    /// Each mask is a constant for the step after it; moments are not (as in the published code).
    case detached
    /// Through masks and moments alike.
    case full
  }

  /// Steps of Adam that the attack looks ahead.
  public static let lookaheadSteps = 4

  public static func scores(_ interpreter: MaskInterpreter) throws(TypeError) -> Graph {
    let (builder, logits) = try AttackPrograms.continuing(interpreter.network)
    return builder.finish(name: scoresName, outputs: [("probabilities", try builder.softmax(logits, axes: [1]))])
  }

  public static func views(_ interpreter: MaskInterpreter) throws(TypeError) -> Graph {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, interpreter.constants.imageShape))
    let views = try interpreter.appendViews(of: x, to: builder)
    return builder.finish(name: viewsName, outputs: [("sharp", views.sharp), ("blurred", views.blurred)])
  }

  /// Cost: one forward sweep and one backward.
  public static func step(_ interpreter: MaskInterpreter) throws(TypeError) -> Graph {
    let builder = GraphBuilder()
    let type = TensorType(.float32, interpreter.constants.viewShape)
    let views = MaskInterpreter.Views(sharp: builder.input("sharp", type), blurred: builder.input("blurred", type))
    let state = builder.maskState(interpreter)
    let offset = builder.input("offset", TensorType(.int64, [2]))
    let corrections = builder.input("corrections", TensorType(.float32, [2]))
    let classes = builder.input("class", TensorType(.int64, [interpreter.mapShape[0]]))
    let copies = try NetworkCopies(of: interpreter.network, in: builder)
    let next = try interpreter.appendStep(
      from: state, views, offset: offset, corrections: corrections, classes: classes, copies, to: builder)
    return builder.finish(
      name: stepName, outputs: [("mask", next.mask), ("mean", next.mean), ("squares", next.squares)])
  }

  /// Cost: one forward sweep and one backward, and as much for each evaded squeezer.
  public static func signStep(_ interpreter: MaskInterpreter, _ objective: StepObjective = StepObjective()) throws(TypeError)
    -> Graph
  {
    try marginDescent(interpreter, objective, name: signStepName) { x, gradient, inputs, builder throws(TypeError) in
      try inputs.step(against: gradient, .linf, in: builder)
    }
  }

  /// Cost: that of `signStep`.
  public static func marginStep(_ interpreter: MaskInterpreter, _ objective: StepObjective = StepObjective())
    throws(TypeError)
    -> Graph
  {
    try marginDescent(interpreter, objective, name: marginStepName) { x, gradient, inputs, builder throws(TypeError) in
      let change = try builder.multiply(try builder.direction(of: gradient), inputs.alpha)
      return try builder.withinBox(try builder.subtract(x, change), origin: inputs.origin, eps: inputs.eps)
    }
  }

  private static func marginDescent(
    _ interpreter: MaskInterpreter, _ objective: StepObjective, name: String,
    _ moved: (_ x: Value, _ gradient: Value, StepInputs, GraphBuilder) throws(TypeError) -> Value
  ) throws(TypeError) -> Graph {
    let (builder, logits) = try AttackPrograms.continuing(interpreter.network)
    let inputs = try StepInputs(builder, logits)
    let margin = try builder.margin(logits, target: inputs.target)
    let (gradient, _) = try builder.gradient(
      of: [(margin, try builder.ones(like: margin))], at: inputs.x, objective, network: interpreter.network, logits: logits)
    return builder.finish(
      name: name, outputs: [("next", try moved(inputs.x, gradient, inputs, builder)), ("margin", margin)])
  }

  /// Cost: n forward sweeps, n backward, and n of second order.
  public static func lookahead(
    _ interpreter: MaskInterpreter, _ lookahead: Lookahead = .detached, steps: Int = lookaheadSteps
  ) throws(TypeError) -> Graph {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, interpreter.constants.imageShape))
    var state = builder.maskState(interpreter)
    let target = builder.input("maskTarget", TensorType(.float32, interpreter.mapShape))
    let classes = builder.input("target", TensorType(.int64, [interpreter.mapShape[0]]))
    let offsets = builder.input("offsets", TensorType(.int64, [steps, 2]))
    let corrections = builder.input("corrections", TensorType(.float32, [steps, 2]))
    let copies = try NetworkCopies(of: interpreter.network, in: builder)
    let views = try interpreter.appendViews(of: x, to: builder)
    func row(_ table: Value, _ step: Int) throws(TypeError) -> Value {
      try builder.reshape(try builder.slice(table, axis: 0, from: step, to: step + 1), [2])
    }
    var loss: Value?
    for step in 0..<steps {
      if lookahead == .detached, step > 0 {
        state = MaskState(
          mask: try builder.elementwise(.stopGradient, state.mask), mean: state.mean, squares: state.squares)
      }
      state = try interpreter.appendStep(
        from: state, views, offset: try row(offsets, step), corrections: try row(corrections, step), classes: classes,
        copies, to: builder)
      let distance = try builder.mapLoss(state.mask, target: target, .sum)
      if let sum = loss { loss = try builder.add(sum, distance) } else { loss = distance }
    }
    guard let sum = loss else { throw TypeError("lookahead", "takes at least one step", []) }
    let mean = try builder.multiply(sum, 1 / Double(steps))
    let gradient = try builder.pullback([(mean, try builder.ones(like: mean))], to: [x])[0]
    let (direction, norm) = try builder.directionAndNorm(of: gradient)
    return builder.finish(
      name: lookaheadName,
      outputs: [
        ("mask", state.mask), ("mean", state.mean), ("squares", state.squares), ("mapLoss", mean),
        ("direction", direction), ("norm", norm),
      ])
  }

  /// Cost: one forward sweep.
  public static func search(_ interpreter: MaskInterpreter) throws(TypeError) -> Graph {
    let builder = GraphBuilder()
    let type = TensorType(.float32, interpreter.constants.imageShape)
    let batch = type.shape[0]
    let x = builder.input("x", type)
    let direction = builder.input("direction", type)
    let alphas = builder.input("alphas", TensorType(.float32, [batch]))
    let origin = builder.input("origin", type)
    let target = builder.input("target", TensorType(.int64, [batch]))
    let eps = builder.input("eps", TensorType(.float32, .scalar))
    let change = try builder.multiply(direction, try builder.broadcast(alphas, to: type.shape, axes: [0]))
    let next = try builder.withinBox(try builder.subtract(x, change), origin: origin, eps: eps)
    let logits = try NetworkCopies(of: interpreter.network, in: builder).append(on: next, to: builder)
    let probabilities = try builder.softmax(logits, axes: [1])
    return builder.finish(
      name: searchName,
      outputs: [
        ("next", next), ("margin", try builder.margin(logits, target: target)),
        ("targetProbability", try builder.append(Take(batchRank: 1), [probabilities, target])),
      ])
  }
}

extension GraphBuilder {
  fileprivate func maskState(_ interpreter: MaskInterpreter) -> MaskState {
    let type = TensorType(.float32, interpreter.mapShape)
    return MaskState(mask: input("mask", type), mean: input("mean", type), squares: input("squares", type))
  }
}
