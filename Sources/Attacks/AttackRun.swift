import Foundation
import TensorTypes

/// The two phases of an attack on one batch.
struct AttackRun {
  var sweeps = SweepCounts()
  private let driver: AttackDriver
  private let runner: any GraphRunner
  private let batch: AttackBatch
  private let maps: [[Float]]
  private let origin: HostTensor
  private let constants: [String: HostTensor]

  init(_ driver: AttackDriver, _ runner: any GraphRunner, _ batch: AttackBatch, maps: [[Float]]) {
    self.driver = driver
    self.runner = runner
    self.batch = batch
    self.maps = maps
    let threat = driver.settings.threat
    origin = HostTensor(batch.shape, pixels(batch.levels))
    constants = [
      "origin": origin, "target": HostTensor([batch.count], batch.targets.map { Int64($0) }),
      "alpha": HostTensor(.scalar, [Float(threat.alpha)]), "eps": HostTensor(.scalar, [Float(threat.eps)]),
    ]
  }

  /// PGD's iterates of interest, for each image.
  struct Descent {
    var last: [Iterate] = []
    /// The first iterate whose probability of the target reaches the confidence, where one does.
    var stopped: [Iterate?]
    var choice: IterateChoice
    /// The iterates of the whole batch after `snapshotAt` steps.
    var snapshot: [Float] = []

    mutating func takeOthers(_ image: Int, prefix: String, withLast: Bool = false) -> [(name: String, iterate: Iterate)] {
      (withLast ? [(prefix + "last", last[image])] : [])
        + [
          (prefix + "stopped", stopped[image] ?? last[image]), (prefix + "chosen", choice.best[image] ?? last[image]),
        ]
    }
  }

  /// PGD from the original images (equation 1 of the paper).
  mutating func descent(steps: Int, checking: Bool, snapshotAt: Int? = nil, advance: () throws -> Void) throws -> Descent {
    var x = origin.floats
    var descent = Descent(stopped: .init(repeating: nil, count: batch.count), choice: IterateChoice(count: batch.count))
    descent.snapshot = x
    for step in 0..<steps {
      let (next, crossEntropy) = try take(AttackPrograms.pgdStepName, x, [:], step: step)
      if checking {
        // −log p of x itself, before the step.
        for image in 0..<batch.count where descent.stopped[image] == nil && step > 0 {
          if Double(crossEntropy[image]) <= -log(driver.settings.confidence) {
            descent.stopped[image] = iterate(x, image, step: step)
          }
        }
      }
      x = next
      if step + 1 == snapshotAt { descent.snapshot = x }
      if checking { try check(x, step: step + 1, of: steps, &descent.choice) }
      try advance()
    }
    descent.last = (0..<batch.count).map { iterate(x, $0, step: steps) }
    return descent
  }

  /// The second phase of ADV²: both losses, with the map's weight growing from c to 2c.
  mutating func secondPhase(from start: [Float], advance: () throws -> Void) throws -> (
    last: [Iterate], choice: IterateChoice
  ) {
    var x = start
    let steps = driver.settings.steps
    var choice = IterateChoice(count: batch.count)
    let mapTarget = HostTensor(driver.mapShape, maps.flatMap { $0 })
    for step in 0..<steps {
      let coefficient = driver.settings.coefficient * (1 + Double(step + 1) / Double(steps))
      (x, _) = try take(
        AttackPrograms.stepName, x,
        ["mapTarget": mapTarget, "coefficient": HostTensor(.scalar, [Float(coefficient)])], step: step)
      try check(x, step: step + 1, of: steps, &choice)
      try advance()
    }
    return ((0..<batch.count).map { iterate(x, $0, step: steps) }, choice)
  }

  private mutating func take(_ graph: String, _ x: [Float], _ inputs: [String: HostTensor], step: Int) throws
    -> (next: [Float], crossEntropy: [Float])
  {
    let inputs = inputs.merging(constants) { given, _ in given }
      .merging(["x": HostTensor(batch.shape, x)]) { given, _ in given }
    let outputs = try runner.run(graph, inputs)
    guard let next = outputs["next"] else { throw AttackError.missingOutput(graph: graph, name: "next") }
    guard let loss = outputs["crossEntropy"]?.floats else {
      throw AttackError.missingOutput(graph: graph, name: "crossEntropy")
    }
    guard loss.allSatisfy(\.isFinite) else { throw AttackError.notFinite(graph: graph, step: step) }
    sweeps.forward += 1
    sweeps.backward += 1
    return (next.floats, loss)
  }

  /// Every tenth step and after the last: is the iterate on the 8-bit lattice an attack, and how close is its map?
  private mutating func check(_ x: [Float], step: Int, of steps: Int, _ choice: inout IterateChoice) throws {
    guard step % driver.settings.checkInterval == 0 || step == steps else { return }
    let iterates = (0..<batch.count).map { iterate(x, $0, step: step) }
    let measurements = try driver.measure(
      iterates.flatMap { pixels($0.levels) }, shape: batch.shape, classes: batch.targets, benign: maps)
    sweeps.forward += 1
    for (image, measurement) in measurements.enumerated() {
      choice.consider(
        iterates[image], measurement, image: image, target: batch.targets[image], confidence: driver.settings.confidence)
    }
  }

  private func iterate(_ x: [Float], _ image: Int, step: Int) -> Iterate {
    let range = batch.range(image)
    let own = Array(x[range])
    return Iterate(
      step: step, pixels: own,
      levels: driver.settings.threat.quantised(own, origin: Array(batch.levels[range])))
  }
}
