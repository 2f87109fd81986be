import Interpreters
import TensorTypes

/// Measures with MASK's own optimisation: the map is 1 − m, high where blurring hurts the class, and not normalised.
///
/// Every image gets the same jitter. Cost of a map: one forward and one backward sweep an iteration, and a forward one for
/// the probabilities.
public struct MaskMeasurer: MapMeasurer {
  public let constants: MaskConstants
  public let jitter: JitterSequence
  private let runner: any GraphRunner

  /// - Parameters:
  ///   - runner: has the programs `scores`, `maskViews` and `maskStep`.
  ///   - jitter: of a margin that is that of `constants`.
  public init(_ runner: any GraphRunner, _ constants: MaskConstants, jitter: JitterSequence) {
    self.runner = runner
    self.constants = constants
    self.jitter = jitter
  }

  /// The same with another sequence of offsets.
  public func with(_ jitter: JitterSequence) -> MaskMeasurer { MaskMeasurer(runner, constants, jitter: jitter) }

  public var mapShape: Shape { constants.maskShape }
  public var sweeps: SweepCounts { SweepCounts(forward: 1 + constants.iterations, backward: constants.iterations) }
  public var benignSweeps: SweepCounts { sweeps + SweepCounts(forward: 1) }

  /// Every offset of the sequence in the order of the iterations, i64[iterations, 2].
  public var offsets: HostTensor {
    let offsets = (0..<constants.iterations).map(jitter.offset)
    return HostTensor([offsets.count, 2], offsets.flatMap { [Int64($0.row), Int64($0.column)] })
  }

  public func measure(_ x: [Float], shape: Shape, classes: [Int], benign: [[Float]]?) throws -> [Measurement] {
    let probabilities = try probabilities(x, shape: shape)
    let masks = try masks(x, shape: shape, classes: classes)
    return classes.indices.map { image in
      let map = masks[image].map { 1 - $0 }
      let low = map.min() ?? 0
      let high = map.max() ?? 0
      return Measurement(
        label: indexOfMaximum(probabilities[image]), targetProbability: Double(probabilities[image][classes[image]]),
        probabilities: probabilities[image], map: map, rawRange: (low, high - low),
        l1: benign.map { MapMetrics.l1($0[image], map) } ?? 0)
    }
  }

  public func benign(_ batch: AttackBatch) throws -> [Measurement] {
    let x = pixels(batch.levels)
    let labels = try probabilities(x, shape: batch.shape).map(indexOfMaximum)
    return try measure(x, shape: batch.shape, classes: labels, benign: nil)
  }

  public func probabilities(_ x: [Float], shape: Shape) throws -> [[Float]] {
    let outputs = try runner.run(MaskPrograms.scoresName, ["x": HostTensor(shape, x)])
    let probabilities = try outputs.floats("probabilities", of: MaskPrograms.scoresName)
    guard probabilities.allSatisfy(\.isFinite) else { throw AttackError.notFinite(graph: MaskPrograms.scoresName, step: 0) }
    let count = probabilities.count / shape[0]
    return (0..<shape[0]).map { Array(probabilities[$0 * count..<($0 + 1) * count]) }
  }

  /// The mask of each image after all iterations.
  private func masks(_ x: [Float], shape: Shape, classes: [Int]) throws -> [[Float]] {
    var descent = MaskDescent(runner, shape: mapShape, classes: classes)
    try descent.look(at: HostTensor(shape, x))
    for iteration in 0..<constants.iterations { try descent.step(offset: jitter.offset(iteration)) }
    let size = mapShape.elementCount / mapShape[0]
    return (0..<shape[0]).map { Array(descent.mask[$0 * size..<($0 + 1) * size]) }
  }
}

/// A mask on its way down its loss.
struct MaskDescent {
  /// [B, h, w] each.
  var mask: [Float]
  var mean: [Float]
  var squares: [Float]
  /// Steps that the corrections of the moments take for done.
  var counter = 0
  /// What share of MASK's learning rate a step has.
  var rateShare = 1.0
  private let runner: any GraphRunner
  private let shape: Shape
  private let classes: HostTensor
  private var views: [String: HostTensor] = [:]

  /// Starts from 0.5 everywhere.
  init(_ runner: any GraphRunner, shape: Shape, classes: [Int]) {
    self.runner = runner
    self.shape = shape
    self.classes = HostTensor([classes.count], classes.map { Int64($0) })
    mask = [Float](repeating: 0.5, count: shape.elementCount)
    mean = [Float](repeating: 0, count: shape.elementCount)
    squares = mean
  }

  var inputs: [String: HostTensor] {
    ["mask": HostTensor(shape, mask), "mean": HostTensor(shape, mean), "squares": HostTensor(shape, squares)]
  }

  /// Sets the images that the next steps are for.
  mutating func look(at x: HostTensor) throws { views = try runner.run(MaskPrograms.viewsName, ["x": x]) }

  /// One step of Adam.
  mutating func step(offset: (row: Int, column: Int)) throws {
    var inputs = inputs
    inputs.merge(views) { _, view in view }
    inputs["class"] = classes
    inputs["offset"] = HostTensor([2], [Int64(offset.row), Int64(offset.column)])
    inputs["corrections"] = HostTensor([2], corrections(ofStepAhead: 1))
    try take(try runner.run(MaskPrograms.stepName, inputs), of: MaskPrograms.stepName, steps: 1)
  }

  /// The divisors of the moments in the step that is so many ahead, counted from 1. A mean divided by more is a smaller step.
  func corrections(ofStepAhead number: Int) -> [Float] {
    let corrections = MaskAdam.corrections(step: counter + number)
    return [corrections[0] / Float(rateShare), corrections[1]]
  }

  /// Takes the state after some steps from the outputs of a program.
  mutating func take(_ outputs: [String: HostTensor], of graph: String, steps: Int) throws {
    mask = try outputs.floats("mask", of: graph)
    mean = try outputs.floats("mean", of: graph)
    squares = try outputs.floats("squares", of: graph)
    guard mask.allSatisfy(\.isFinite) else { throw AttackError.mapNotFinite }
    counter += steps
  }
}
