import Attacks
import IR
import Interpreters
import SampleNetworks
import TensorTypes
import Testing

@Suite struct AttackDriverTests {
  private let interpreter: ClassActivationMap
  private let graphs: [Graph]

  init() throws {
    interpreter = try ClassActivationMap(try Classifier(try PooledClassifier.softmax.graph(batch: 2)))
    graphs = [
      try AttackPrograms.map(interpreter), try AttackPrograms.pgdStep(interpreter), try AttackPrograms.step(interpreter),
    ]
  }

  private func driver(_ settings: AttackSettings) -> AttackDriver {
    AttackDriver(ReferenceRunner(graphs), measurer: measurer, settings: settings)
  }

  private var measurer: ProgramMeasurer { ProgramMeasurer(ReferenceRunner(graphs), mapShape: interpreter.mapShape) }

  private func batch(seeds: [UInt64], targets: [Int]) -> AttackBatch {
    var levels: [UInt8] = []
    for seed in seeds {
      var random = Random(seed: seed)
      levels += (0..<3 * 12 * 12).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    return AttackBatch(shape: [2, 3, 12, 12], levels: levels, targets: targets)
  }

  @Test(arguments: [AttackSettings.Method.pgd, .adv2], [0.031, 8.0 / 255, 0.2])
  func `every iterate stays within eps and within the image range`(method: AttackSettings.Method, eps: Double) throws {
    let settings = AttackSettings(method: method, threat: ThreatModel(eps: eps), steps: 13, warm: 9, comparesWithPGD: true)
    let driver = driver(settings)
    let batch = batch(seeds: [1, 2], targets: [4, 0])
    var reported: [Int] = []
    let outcomes = try driver.attack(batch, benign: try measurer.benign(batch)) { reported.append($0) }
    #expect(reported == Array(1...settings.totalSteps))
    for (image, outcome) in outcomes.enumerated() {
      let origin = Array(batch.levels[batch.range(image)])
      for iterate in [outcome.result] + outcome.others.map(\.iterate) {
        for ((x, level), origin) in zip(zip(iterate.pixels, iterate.levels), origin) {
          #expect(abs(Double(x) - Double(origin) / 255) <= eps + 1e-6)
          #expect((0...1).contains(x))
          #expect(abs(Double(level) / 255 - Double(origin) / 255) <= eps + 1e-15)
        }
      }
      #expect(outcome.result.levels != origin)
    }
  }

  @Test func `the attack on one image does not depend on its batch`() throws {
    let settings = AttackSettings(method: .adv2, steps: 11, warm: 5)
    let driver = driver(settings)
    let first = batch(seeds: [1, 2], targets: [4, 0])
    let second = batch(seeds: [3, 1], targets: [2, 4])
    let a = try driver.attack(first, benign: try measurer.benign(first))[0]
    let b = try driver.attack(second, benign: try measurer.benign(second))[1]
    #expect(a.result == b.result)
    #expect(a.benign == b.benign)
  }

  @Test func `descent lowers the loss, and the map term keeps the map closer`() throws {
    let threat = ThreatModel(eps: 0.1, alpha: 2.0 / 255)
    let batch = batch(seeds: [1, 2], targets: [4, 0])
    let pgd = driver(AttackSettings(method: .pgd, threat: threat, steps: 60))
    let adv2 = driver(AttackSettings(method: .adv2, threat: threat, steps: 60, warm: 20, coefficient: 50))
    let benign = try measurer.benign(batch)
    func measured(_ outcomes: [AttackOutcome], _ iterates: [Iterate]) throws -> [Measurement] {
      try measurer.measure(
        iterates.flatMap { pixels($0.levels) }, shape: batch.shape, classes: batch.targets, benign: benign.map(\.map))
    }
    let plain = try pgd.attack(batch, benign: benign)
    let kept = try adv2.attack(batch, benign: benign)
    let start = try measurer.measure(
      pixels(batch.levels), shape: batch.shape, classes: batch.targets, benign: benign.map(\.map))
    let afterPGD = try measured(plain, plain.map(\.result))
    let last = try measured(kept, kept.map { outcome in outcome.others.first { $0.name == "last" }!.iterate })
    for image in 0..<2 {
      #expect(afterPGD[image].targetProbability > start[image].targetProbability)
      #expect(last[image].l1 < afterPGD[image].l1)
    }
  }

  @Test(arguments: [0, 1, 5, 30])
  func `PGD beside the attack changes nothing about it, however long its warm start is`(warm: Int) throws {
    let batch = batch(seeds: [1, 2], targets: [4, 0])
    let results = try [false, true].map { compares in
      let driver = driver(AttackSettings(method: .adv2, steps: 11, warm: warm, comparesWithPGD: compares))
      return try driver.attack(batch, benign: try measurer.benign(batch)).map(\.result.pixels)
    }
    #expect(results[0] == results[1])
  }

  @Test func `costs are counted for each image`() throws {
    let settings = AttackSettings(method: .adv2, steps: 25, warm: 5, comparesWithPGD: true)
    let batch = batch(seeds: [1, 2], targets: [4, 0])
    let driver = driver(settings)
    let outcome = try driver.attack(batch, benign: try measurer.benign(batch))[0]
    // Two for the benign map, 30 steps, checks after 10, 20 and 25.
    #expect(outcome.sweeps == SweepCounts(forward: 2 + 30 + 3, backward: 30))
    // PGD's 30 steps without the shared five, with checks after 10, 20 and 30.
    #expect(outcome.comparisonSweeps == SweepCounts(forward: 25 + 3, backward: 25))
  }
}
