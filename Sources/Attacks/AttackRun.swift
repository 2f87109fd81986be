import Foundation
import Interpreters
import TensorTypes

/// The two phases of an attack on one batch.
struct AttackRun {
  var sweeps = SweepCounts()
  private let driver: AttackDriver
  private let runner: any GraphRunner
  private let batch: AttackBatch
  private let maps: [[Float]]
  private let origin: HostTensor
  private let imageKeys: [UInt64]
  private let constants: [String: HostTensor]

  init(_ driver: AttackDriver, _ runner: any GraphRunner, _ batch: AttackBatch, maps: [[Float]]) {
    self.driver = driver
    self.runner = runner
    self.batch = batch
    self.maps = maps
    let threat = driver.settings.threat
    origin = HostTensor(batch.shape, pixels(batch.levels))
    imageKeys = (0..<batch.count).map { KeyedRandom.key(batch.levels[batch.range($0)]) }
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
          if Double(crossEntropy[image]) <= -log(AttackSettings.confidentProbability) {
            descent.stopped[image] = iterate(x, image, step: step)
          }
        }
      }
      x = next
      if step + 1 == snapshotAt { descent.snapshot = x }
      if checking, isCheck(step + 1, of: steps) { try check(x, step: step + 1, &descent.choice) }
      try advance()
    }
    descent.last = (0..<batch.count).map { iterate(x, $0, step: steps) }
    return descent
  }

  /// The second phase of ADV²: both losses, stage by stage.
  mutating func secondPhase(from start: [Float], advance: () throws -> Void) throws -> (
    last: [Iterate], choice: IterateChoice
  ) {
    var x = start
    var choice = IterateChoice(count: batch.count)
    let mapTarget = HostTensor(driver.measurer.mapShape, maps.flatMap { $0 })
    var step = 0
    for (steps, part) in driver.settings.schedule.stages {
      for stageStep in 0..<steps {
        let coefficient = part.coefficient * (1 + part.growth * Double(stageStep + 1) / Double(steps))
        var inputs = ["mapTarget": mapTarget, "coefficient": HostTensor(.scalar, [Float(coefficient)])]
        if driver.settings.schedule.objective.smoothsLabels {
          inputs["labelProbability"] = labelProbabilities(progress: Double(stageStep) / Double(steps), step: step)
        }
        (x, _) = try take(AttackPrograms.stepName, x, inputs, step: step)
        sweeps.forward += driver.mapSweeps.forward
        sweeps.backward += driver.mapSweeps.backward
        sweeps.secondOrder += driver.mapSweeps.secondOrder
        step += 1
        if isCheck(stageStep + 1, of: steps) { try check(x, step: step, &choice) }
        try advance()
      }
    }
    return ((0..<batch.count).map { iterate(x, $0, step: step) }, choice)
  }

  /// U(0.95 + 0.04 · progress, 1) for each image (section 4.1 of the paper: the rest falls from 0.05 to 0.01).
  private func labelProbabilities(progress: Double, step: Int) -> HostTensor {
    let low = 0.95 + 0.04 * progress
    let random = KeyedRandom(seed: driver.settings.seed)
    return HostTensor([batch.count], imageKeys.map { Float(low + (1 - low) * random.unit(image: $0, draw: step)) })
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

  /// Whether a phase or stage stops to check: after its last step and every so many steps before.
  private func isCheck(_ step: Int, of steps: Int) -> Bool { (steps - step) % driver.settings.checkInterval == 0 }

  /// Counts the sweeps of some maps.
  mutating func countMaps(_ count: Int) {
    let cost = driver.measurer.sweeps
    sweeps.forward += count * cost.forward
    sweeps.backward += count * cost.backward
  }

  /// Is the iterate on the 8-bit lattice an attack, and how close is its map?
  private mutating func check(_ x: [Float], step: Int, _ choice: inout IterateChoice) throws {
    let iterates = (0..<batch.count).map { iterate(x, $0, step: step) }
    let measurements = try driver.measurer.measure(
      iterates.flatMap { pixels($0.levels) }, shape: batch.shape, classes: batch.targets, benign: maps)
    countMaps(1)
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
