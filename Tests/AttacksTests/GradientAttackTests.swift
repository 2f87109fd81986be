import Attacks
import IR
import Interpreters
import Passes
import SampleNetworks
import TensorTypes
import Testing

/// ADV² against GRAD through the driver, with the reference evaluator.
@Suite struct GradientAttackTests {
  private let interpreter: GradientMap
  private let graphs: [Graph]
  private let schedule = AttackSchedule(interpreter: "grad")

  init() throws {
    interpreter = GradientMap(try Classifier(try PooledClassifier.softmax.graph(batch: 2)))
    graphs = [
      try AttackPrograms.map(interpreter), try AttackPrograms.pgdStep(interpreter),
      try AttackPrograms.step(interpreter, schedule.objective),
    ]
  }

  private func attack(_ batch: AttackBatch, steps: Int, warm: Int, seed: UInt64 = 0, eps: Double = 0.1) throws
    -> [AttackOutcome]
  {
    let settings = AttackSettings(
      method: .adv2, threat: ThreatModel(eps: eps, alpha: 2.0 / 255), schedule: schedule, steps: steps,
      warm: warm, seed: seed)
    let runner = ReferenceRunner(graphs)
    let measurer = ProgramMeasurer(runner, mapShape: interpreter.mapShape, mapSweeps: interpreter.sweeps)
    let driver = AttackDriver(runner, measurer: measurer, mapSweeps: interpreter.sweeps, settings: settings)
    return try driver.attack(batch, benign: try measurer.benign(batch))
  }

  @Test func `neither the batch nor the place in it changes an image's result`() throws {
    let a = try attack(AttackBatch(seeds: [1, 2], targets: [4, 0]), steps: 14, warm: 3)[0]
    let b = try attack(AttackBatch(seeds: [3, 1], targets: [2, 4]), steps: 14, warm: 3)[1]
    #expect(a.result == b.result && a.benign == b.benign)
    #expect(a.result.pixels.count == 432)
  }

  /// Smoothed labels are random: the same seed draws the same ones, another seed others.
  @Test func `the seed decides the result`() throws {
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    let last = { (outcomes: [AttackOutcome]) in outcomes.map { $0.others[0].iterate } }
    let first = last(try attack(batch, steps: 35, warm: 0, seed: 1))
    let again = last(try attack(batch, steps: 35, warm: 0, seed: 1))
    #expect(first == again)
    #expect(first != last(try attack(batch, steps: 35, warm: 0, seed: 2)))
  }

  @Test func `costs are counted with the sweeps of second order`() throws {
    let outcome = try attack(AttackBatch(seeds: [1, 2], targets: [4, 0]), steps: 14, warm: 5)[0]
    // Two benign maps; 5 and 14 steps; a check after each of the stages of 6, 4, 2 and 2 steps.
    #expect(outcome.sweeps == SweepCounts(forward: 2 + 19 + 4, backward: 2 + 19 + 14 + 4, secondOrder: 14))
  }

  @Test func `every iterate stays within eps and within the image range`() throws {
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    for (image, outcome) in try attack(batch, steps: 21, warm: 7, eps: 0.031).enumerated() {
      let origin = Array(batch.levels[batch.range(image)])
      for iterate in [outcome.result] + outcome.others.map(\.iterate) {
        #expect(zip(iterate.pixels, origin).allSatisfy { abs(Double($0) - Double($1) / 255) <= 0.031 + 1e-6 })
        #expect(zip(iterate.levels, origin).allSatisfy { abs(Int($0) - Int($1)) <= 7 })
        #expect(iterate.pixels.allSatisfy { (0...1).contains($0) })
      }
    }
  }
}
