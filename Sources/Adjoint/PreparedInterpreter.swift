import Attacks
import IR
import Interpreters
import TensorTypes

/// An interpreter on the prepared network of a classifier, of which the graphs of maps and attacks are made.
enum PreparedInterpreter {
  /// Its map is part of one graph, and so is a step against it.
  case drawn(any Interpreter, InterpreterChoice)
  /// Its map is an average over samples, each of which is a graph.
  case sampled(SampledGradient, InterpreterChoice)
  /// Its map is an optimisation, whose steps are graphs.
  case mask(MaskInterpreter, MaskPrograms.Lookahead, InterpreterChoice)
  /// MASK among several, whose other maps are part of one graph.
  case joint(CombinedInterpreter, MaskInterpreter, MaskPrograms.Lookahead, InterpreterChoice)

  /// MASK alone, of several interpreters the others, as those of one kind.
  private func alone(for derived: DerivedGraph) -> PreparedInterpreter {
    guard case .joint(let others, let mask, let lookahead, let choice) = self else { return self }
    return DerivedGraph.maskParts.contains(derived) ? .mask(mask, lookahead, choice) : .drawn(others, choice)
  }

  /// Of the interpreters that MASK is attacked with.
  var others: ModelFacts.OthersThanMaskFacts? {
    guard case .joint(let others, _, _, _) = self else { return nil }
    return .init(shape: others.mapShape, sweeps: others.sweeps)
  }

  /// Of several interpreters the size that each map has by itself, in their order.
  var ownShapes: [Shape]? {
    switch self {
    case .drawn(let combined as CombinedInterpreter, _): return combined.ownShapes
    case .joint(let others, let mask, _, let choice):
      var shapes = others.ownShapes
      shapes.insert(mask.mapShape, at: choice.parts.firstIndex(of: "mask") ?? shapes.count)
      return shapes
    case .drawn, .sampled, .mask: return nil
    }
  }

  var network: Graph {
    switch self {
    case .drawn(let interpreter, _): interpreter.network
    case .sampled(let interpreter, _): interpreter.network
    case .mask(let interpreter, _, _), .joint(_, let interpreter, _, _): interpreter.network
    }
  }

  /// [B, h, w]
  var mapShape: Shape {
    switch self {
    case .drawn(let interpreter, _): interpreter.mapShape
    case .sampled(let interpreter, _): interpreter.mapShape
    case .mask(let interpreter, _, _): interpreter.mapShape
    case .joint(let others, let mask, _, _):
      JointMeasurer.mapShape(drawn: others.mapShape, mask: mask.mapShape, count: others.count + 1)
    }
  }

  /// What a map costs beside the forward sweep.
  var sweeps: SweepCounts {
    switch self {
    case .drawn(let interpreter, _): interpreter.sweeps
    case .sampled(_, let choice):
      SweepCounts(forward: choice.options.sampleCount, backward: choice.options.sampleCount)
    case .mask(let interpreter, _, _):
      SweepCounts(forward: interpreter.constants.iterations, backward: interpreter.constants.iterations)
    case .joint(let others, let mask, let lookahead, let choice):
      others.sweeps + PreparedInterpreter.mask(mask, lookahead, choice).sweeps
    }
  }

  /// A graph of an attack.
  /// - Throws: `UsageError` for a graph that this interpreter does not have; `TypeError`.
  func graph(_ derived: DerivedGraph) throws -> Graph {
    switch (alone(for: derived), derived) {
    case (.joint, _): throw UsageError("'\(derived.rawValue)' is no graph of several interpreters")
    case (.drawn(let interpreter, _), .map): try AttackPrograms.map(interpreter)
    case (.drawn(let interpreter, let choice), .step): try AttackPrograms.step(interpreter, choice.objective(of: derived))
    case (.drawn(_, let choice), .pgdStep), (.mask(_, _, let choice), .pgdStep),
      (.sampled(_, let choice), .pgdStep):
      try AttackPrograms.pgdStep(of: network, choice.norm)
    case (_, .warp): try FlowPrograms.warp(imageShape: network[network.inputs[0]].type.shape)
    case (_, .flowStep): try FlowPrograms.step(of: network)
    case (.drawn(let interpreter, let choice), .flowMapStep):
      try FlowPrograms.mapStep(interpreter, choice.objective(of: derived), takesGradient: choice.hasMask)
    case (.sampled, .flowMapStep): try FlowPrograms.mapStep(of: network)
    case (.mask(let interpreter, _, _), .flowMapStep): try FlowPrograms.mapStep(interpreter)
    case (.mask(let interpreter, _, _), .scores): try MaskPrograms.scores(interpreter)
    case (.mask(let interpreter, _, _), .maskViews): try MaskPrograms.views(interpreter)
    case (.mask(let interpreter, _, _), .maskStep): try MaskPrograms.step(interpreter)
    case (.mask(let interpreter, _, let choice), .marginSignStep): try MaskPrograms.signStep(interpreter, choice.objective)
    case (.mask(let interpreter, _, let choice), .marginStep): try MaskPrograms.marginStep(interpreter, choice.objective)
    case (.mask(let interpreter, let lookahead, let choice), .lookahead):
      // An attack that looks no step ahead runs none of it.
      try MaskPrograms.lookahead(interpreter, lookahead, steps: max(choice.options.lookaheadStepCount, 1))
    case (.mask(let interpreter, _, _), .marginSearch): try MaskPrograms.search(interpreter)
    case (.sampled(let interpreter, _), .sample): try SampledPrograms.sample(interpreter)
    case (.sampled(let interpreter, _), .map): try SampledPrograms.map(interpreter)
    case (.sampled(let interpreter, _), .stepSample): try SampledPrograms.stepSample(interpreter)
    case (.sampled(let interpreter, let choice), .mapGradient):
      try SampledPrograms.mapGradient(interpreter, choice.objective(of: derived))
    case (.sampled(let interpreter, _), .samplePull): try SampledPrograms.samplePull(interpreter)
    case (.sampled(let interpreter, let choice), .step):
      try SampledPrograms.step(interpreter, choice.objective(of: derived))
    case (.sampled(_, let choice), _):
      throw UsageError("\(choice.name) has no graph '\(derived.rawValue)'")
    case (.drawn(let interpreter, _), .sample), (.drawn(let interpreter, _), .stepSample),
      (.drawn(let interpreter, _), .mapGradient), (.drawn(let interpreter, _), .samplePull):
      throw UsageError("'\(derived.rawValue)' is a graph of ig and smoothgrad, not of \(interpreter.name)")
    case (.drawn(let interpreter, _), _):
      throw UsageError("'\(derived.rawValue)' is a graph of mask, not of \(interpreter.name)")
    case (.mask, _):
      throw UsageError(
        "mask has no single graph '\(derived.rawValue)'; its graphs are "
          + DerivedGraph.maskParts.map(\.rawValue).joined(separator: ", "))
    }
  }
}

extension ModelFacts.MapFacts {
  /// What the map in the loss of a step costs beside the forward sweep.
  var stepSweeps: SweepCounts {
    if interpreter.parts.contains("rts") { return sweeps + SweepCounts(backward: 1) }
    guard InterpreterChoice.sampled.contains(interpreter.name) else { return sweeps }
    let count = interpreter.options.sampleCount
    return SweepCounts(forward: 2 * count, backward: 2 * count, secondOrder: count)
  }

  /// What runs the programs of this interpreter as if they were one for a map and one for a step.
  /// - Parameters:
  ///   - imageShape: [B, C, H, W]
  ///   - seed: decides the noise of SmoothGrad; no other interpreter looks at it.
  func runner(_ runner: any GraphRunner, imageShape: Shape, seed: UInt64) throws(UsageError) -> any GraphRunner {
    let options = interpreter.options
    switch interpreter.name {
    case "ig":
      return SampledRunner(
        runner, .between(baseline: try options.baselineImage(), count: options.sampleCount, imageShape: imageShape))
    case "smoothgrad":
      return SampledRunner(
        runner,
        .noisy(deviation: options.noise ?? 0.15, count: options.sampleCount, seed: seed, imageShape: imageShape))
    default: return runner
    }
  }

  /// What judges images by this interpreter.
  /// - Parameters:
  ///   - imageShape: [B, C, H, W]
  ///   - seed: decides the jitter of MASK; no other interpreter's measurer looks at it.
  func measurer(_ runner: any GraphRunner, imageShape: Shape, seed: UInt64) throws -> any MapMeasurer {
    guard let position = interpreter.parts.firstIndex(of: "mask") else {
      return ProgramMeasurer(runner, mapShape: shape, mapSweeps: sweeps)
    }
    let constants = try MaskConstants(try interpreter.options.version(), imageShape: imageShape)
    let mask = MaskMeasurer(runner, constants, jitter: JitterSequence(margin: constants.margin, seed: seed))
    guard let others else { return mask }
    return JointMeasurer(
      drawn: ProgramMeasurer(runner, mapShape: others.shape, mapSweeps: others.sweeps), mask: mask, maskPosition: position,
      count: interpreter.parts.count)
  }
}
