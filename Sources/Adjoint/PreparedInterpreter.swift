import Attacks
import IR
import Interpreters
import TensorTypes

/// An interpreter on the prepared network of a classifier, of which the graphs of maps and attacks are made.
enum PreparedInterpreter {
  /// Its map is part of one graph, and so is a step against it.
  case drawn(any Interpreter, InterpreterChoice)
  /// Its map is an optimisation, whose steps are graphs.
  case mask(MaskInterpreter, MaskPrograms.Lookahead, InterpreterChoice)

  var network: Graph {
    switch self {
    case .drawn(let interpreter, _): interpreter.network
    case .mask(let interpreter, _, _): interpreter.network
    }
  }

  /// [B, h, w]
  var mapShape: Shape {
    switch self {
    case .drawn(let interpreter, _): interpreter.mapShape
    case .mask(let interpreter, _, _): interpreter.mapShape
    }
  }

  /// What a map costs beside the forward sweep.
  var sweeps: SweepCounts {
    switch self {
    case .drawn(let interpreter, _): interpreter.sweeps
    case .mask(let interpreter, _, _):
      SweepCounts(forward: interpreter.constants.iterations, backward: interpreter.constants.iterations)
    }
  }

  /// A graph of an attack.
  /// - Throws: `UsageError` for a graph that this interpreter does not have; `TypeError`.
  func graph(_ derived: DerivedGraph) throws -> Graph {
    switch (self, derived) {
    case (.drawn(let interpreter, _), .map): try AttackPrograms.map(interpreter)
    case (.drawn(let interpreter, let choice), .step): try AttackPrograms.step(interpreter, choice.objective(of: derived))
    case (.drawn(_, let choice), .pgdStep), (.mask(_, _, let choice), .pgdStep):
      try AttackPrograms.pgdStep(of: network, choice.norm)
    case (.drawn(let interpreter, _), .warp):
      try FlowPrograms.warp(imageShape: interpreter.network[interpreter.network.inputs[0]].type.shape)
    case (.drawn(let interpreter, _), .flowStep): try FlowPrograms.step(interpreter)
    case (.drawn(let interpreter, let choice), .flowMapStep):
      try FlowPrograms.mapStep(interpreter, choice.objective(of: derived))
    case (.mask, .warp), (.mask, .flowStep), (.mask, .flowMapStep):
      throw UsageError("mask is attacked by pgd and adv2; stadv and adv2-stadv go with the other interpreters")
    case (.mask(let interpreter, _, _), .scores): try MaskPrograms.scores(interpreter)
    case (.mask(let interpreter, _, _), .maskViews): try MaskPrograms.views(interpreter)
    case (.mask(let interpreter, _, _), .maskStep): try MaskPrograms.step(interpreter)
    case (.mask(let interpreter, _, _), .marginSignStep): try MaskPrograms.signStep(interpreter)
    case (.mask(let interpreter, _, _), .marginStep): try MaskPrograms.marginStep(interpreter)
    case (.mask(let interpreter, let lookahead, _), .lookahead): try MaskPrograms.lookahead(interpreter, lookahead)
    case (.mask(let interpreter, _, _), .marginSearch): try MaskPrograms.search(interpreter)
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
  /// What judges images by this interpreter.
  /// - Parameters:
  ///   - imageShape: [B, C, H, W]
  ///   - seed: decides the jitter of MASK; no other interpreter looks at it.
  func measurer(_ runner: any GraphRunner, imageShape: Shape, seed: UInt64) throws -> any MapMeasurer {
    guard interpreter.name == "mask" else { return ProgramMeasurer(runner, mapShape: shape, mapSweeps: sweeps) }
    let constants = try MaskConstants(try interpreter.options.version(), imageShape: imageShape)
    return MaskMeasurer(runner, constants, jitter: JitterSequence(margin: constants.margin, seed: seed))
  }
}
