import Attacks
import Interpreters

/// What one iteration of ADV² costs.
public struct IterationCost: Sendable, Encodable {
  public let interpreter: String
  public let batch: Int
  /// Sweeps of the network for each image.
  public let forwardSweeps: Double
  public let backwardSweeps: Double
  /// Products of second order, of two sweeps each.
  public let secondOrderSweeps: Double
  /// At the median of each program.
  public let milliseconds: Double
  /// The same over the time of one forward pass.
  public let forwardTimes: Double

  /// Sweeps of any kind: what the published count of an iteration is in.
  public var sweeps: Double { forwardSweeps + backwardSweeps + 2 * secondOrderSweeps }

  init(_ interpreter: String, batch: Int, _ sweeps: StepSweeps, milliseconds: Double, forward: Double) {
    self.interpreter = interpreter
    self.batch = batch
    (forwardSweeps, backwardSweeps, secondOrderSweeps) = (sweeps.forward, sweeps.backward, sweeps.secondOrder)
    self.milliseconds = milliseconds
    forwardTimes = milliseconds / forward
  }

  public var text: String {
    "an iteration against \(interpreter), batch \(batch): \(fixed(sweeps, 1)) sweeps (\(fixed(forwardSweeps, 1)) forward, "
      + "\(fixed(backwardSweeps, 1)) backward, \(fixed(secondOrderSweeps, 0)) of second order, which are two each), "
      + "\(fixed(milliseconds, 1)) ms, the time of \(fixed(forwardTimes, 1)) forward passes"
  }
}

extension [Benchmark.Row] {
  /// The median time of a graph at a batch size.
  func milliseconds(_ graph: DerivedGraph, batch: Int) -> Double? {
    first { $0.of == graph.rawValue && $0.batch == batch }?.medianMilliseconds
  }

  /// The cost of an iteration that is one run of `step`; nil unless that and `forward` were measured, and for interpreters
  /// whose steps take several programs.
  func costOfStep(against map: ModelFacts.MapFacts?, batch: Int) -> IterationCost? {
    guard let map, !map.interpreter.parts.contains("mask"), !InterpreterChoice.sampled.contains(map.interpreter.name),
      let forward = milliseconds(.forward, batch: batch), let step = milliseconds(.step, batch: batch)
    else { return nil }
    return IterationCost(
      map.interpreter.name, batch: batch, StepSweeps(SweepCounts(forward: 1, backward: 1) + map.stepSweeps),
      milliseconds: step, forward: forward)
  }
}
