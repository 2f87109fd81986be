import Attacks
import IR
import Interpreters
import SampleNetworks
import TensorTypes
import Testing

import func Foundation.log

/// stAdv and ADV² on it through their driver, with the reference evaluator.
@Suite struct FlowAttackTests {
  private let interpreter: ClassActivationMap
  private let runner: ReferenceRunner
  private let measurer: ProgramMeasurer

  init() throws {
    interpreter = try ClassActivationMap(try Classifier(try PooledClassifier.softmax.graph(batch: 2)))
    runner = ReferenceRunner([
      try AttackPrograms.map(interpreter), try FlowPrograms.warp(imageShape: [2, 3, 12, 12]),
      try FlowPrograms.step(of: interpreter.network),
      try FlowPrograms.mapStep(interpreter, AttackSchedule(flow: "cam").objective),
    ])
    measurer = ProgramMeasurer(runner, mapShape: interpreter.mapShape, mapSweeps: interpreter.sweeps)
  }

  private func settings(_ method: AttackSettings.Method, steps: Int, warm: Int = 0, compares: Bool = false, seed: UInt64 = 0)
    -> AttackSettings
  {
    AttackSettings(
      method: method, schedule: AttackSchedule(flow: "cam"), steps: steps, warm: warm, comparesWithPGD: compares, seed: seed)
  }

  private func attack(_ batch: AttackBatch, _ settings: AttackSettings, progress: (Int) throws -> Void = { _ in }) throws
    -> [AttackOutcome]
  {
    try FlowDriver(runner, measurer: measurer, mapSweeps: interpreter.sweeps, settings: settings)
      .attack(batch, benign: try measurer.benign(batch), progress: progress)
  }

  @Test func `no flow leaves an image as it is, and whole flows shift it`() throws {
    var random = Random(seed: 3)
    let image = random.tensor([2, 3, 12, 12], in: 0...1)
    func warped(down: Float, right: Float) throws -> [Double] {
      let plane = [Float](repeating: down, count: 144) + [Float](repeating: right, count: 144)
      let outputs = try runner.run("warp", ["x": image, "flow": HostTensor([2, 2, 12, 12], plane + plane)])
      return try #require(outputs["warped"]).doubles
    }
    #expect(try warped(down: 0, right: 0) == image.doubles)
    let shifted = try warped(down: -2, right: 20)
    let pixels = image.doubles
    for (index, value) in shifted.enumerated() {
      let (plane, row) = (index / 144, index % 144 / 12)
      #expect(value == pixels[plane * 144 + max(row - 2, 0) * 12 + 11])
    }
  }

  @Test func `every iterate is an image, and its flow is measured`() throws {
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    let settings = settings(.adv2Stadv, steps: 13, warm: 9, compares: true)
    var reported: [Int] = []
    let outcomes = try attack(batch, settings) { reported.append($0) }
    #expect(reported == Array(1...settings.totalSteps))
    for outcome in outcomes {
      #expect(outcome.others.map(\.name) == ["last", "stadv.last", "stadv.chosen"])
      for iterate in [outcome.result] + outcome.others.map(\.iterate) {
        for (x, level) in zip(iterate.pixels, iterate.levels) {
          #expect((0...1).contains(x) && abs(255 * Double(x) - Double(level)) <= 0.5 + 1e-4)
        }
        let flow = try #require(iterate.flow)
        #expect(flow.loss > 0 && flow.meanDisplacement > 0 && flow.displacementPercentile99 > flow.meanDisplacement)
      }
    }
  }

  @Test func `neither the batch nor the place in it changes an image's result, and the seed does`() throws {
    let settings = settings(.adv2Stadv, steps: 11, warm: 5)
    let a = try attack(AttackBatch(seeds: [1, 2], targets: [4, 0]), settings)[0]
    let b = try attack(AttackBatch(seeds: [3, 1], targets: [2, 4]), settings)[1]
    #expect(a.result == b.result && a.benign == b.benign)
    let other = try attack(
      AttackBatch(seeds: [1, 2], targets: [4, 0]), self.settings(.adv2Stadv, steps: 11, warm: 5, seed: 1))[0]
    #expect(a.result != other.result)
  }

  @Test func `the comparison is stAdv itself, and changes nothing of the attack`() throws {
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    let with = try attack(batch, settings(.adv2Stadv, steps: 4, warm: 5, compares: true))
    let without = try attack(batch, settings(.adv2Stadv, steps: 4, warm: 5))
    let plain = try attack(batch, settings(.stadv, steps: FlowTerms.plainSteps))
    for image in 0..<2 {
      #expect(with[image].result == without[image].result && with[image].sweeps == without[image].sweeps)
      let last = with[image].others.first { $0.name == "stadv.last" }
      #expect(last?.iterate == plain[image].result)
      // Two for the benign map, nine steps, one check after the last; the comparison's steps beyond the five and its checks.
      #expect(with[image].sweeps == SweepCounts(forward: 2 + 9 + 1, backward: 9))
      #expect(with[image].comparisonSweeps == SweepCounts(forward: 295 + 30, backward: 295))
    }
  }

  @Test func `a flow turns the label, and the map term keeps the map closer`() throws {
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    let benign = try measurer.benign(batch)
    func last(_ outcomes: [AttackOutcome]) throws -> [Measurement] {
      let iterates = outcomes.map { outcome in outcome.others.first { $0.name == "last" }?.iterate ?? outcome.result }
      return try measurer.measure(
        iterates.flatMap { pixels($0.levels) }, shape: batch.shape, classes: batch.targets, benign: benign.map(\.map))
    }
    let start = try measurer.measure(pixels(batch.levels), shape: batch.shape, classes: batch.targets)
    let plain = try last(try attack(batch, settings(.stadv, steps: 120)))
    var keeping = settings(.adv2Stadv, steps: 80, warm: 40)
    keeping.schedule.coefficient = 50
    let kept = try last(try attack(batch, keeping))
    for image in 0..<2 {
      #expect(plain[image].targetProbability > start[image].targetProbability)
      #expect(kept[image].l1 < plain[image].l1)
    }
  }

  @Test func `structural similarity is one of equal images, and falls with what is done to them`() {
    var random = Random(seed: 5)
    let image = random.tensor([3, 20, 24], in: 0...1).floats
    #expect(abs(structuralSimilarity(image, image, height: 20, width: 24) - 1) < 1e-12)
    let similarities = [0.05, 0.2, 0.5].map { (amount: Float) in
      let noise = random.tensor([3, 20, 24], in: -1...1).floats
      return structuralSimilarity(image, zip(image, noise).map { $0 + amount * $1 }, height: 20, width: 24)
    }
    #expect(similarities == similarities.sorted(by: >) && similarities[0] < 1)
    // Constant images have no variance: (2 a b + C₁) / (a² + b² + C₁).
    let grey = [Float](repeating: 0.5, count: 480)
    let dark = [Float](repeating: 0.25, count: 480)
    let expected = (2 * 0.5 * 0.25 + 1e-4) / (0.25 + 0.0625 + 1e-4)
    #expect(abs(structuralSimilarity(grey, dark, height: 20, width: 24) - expected) < 1e-6)
  }

  @Test func `a trace holds every iterate of a flow with the losses of its step, and changes nothing`() throws {
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    let settings = settings(.adv2Stadv, steps: 5, warm: 3)
    var driver = FlowDriver(runner, measurer: measurer, mapSweeps: interpreter.sweeps, settings: settings)
    let benign = try measurer.benign(batch)
    let plain = try driver.attack(batch, benign: benign)
    var points: [TracePoint] = []
    driver.observer.trace = { points += $0 }
    let traced = try driver.attack(batch, benign: benign)
    #expect(traced.map(\.result) == plain.map(\.result) && traced[0].sweeps == plain[0].sweeps)
    let first = points.filter { $0.image == 0 }
    #expect(first.map(\.phase) == Array(repeating: "flowStep", count: 4) + Array(repeating: "flowMapStep", count: 6))
    #expect(first.map(\.step) == Array(0...3) + Array(0...5))
    #expect(first.allSatisfy { ($0.loss == nil) == ($0.step == ($0.phase == "flowStep" ? 3 : 5)) })
    for point in first {
      // The flow's own loss comes beside the cross entropy, which is that of the probability.
      guard let crossEntropy = point.crossEntropy, let loss = point.loss else { continue }
      #expect(abs(crossEntropy + log(point.probability)) < 1e-5)
      if point.phase == "flowStep" { #expect(loss > crossEntropy) }
    }
    let last = try measurer.measure(
      traced.flatMap { $0.others[0].iterate.pixels }, shape: batch.shape, classes: batch.targets, benign: benign.map(\.map))
    #expect(first.last?.probability == last[0].targetProbability && first.last?.mapDistance == last[0].l1)
  }

  @Test(arguments: [AttackSettings.Method.stadv, .adv2Stadv])
  func `when time is over a flow ends with what there is`(method: AttackSettings.Method) throws {
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    let settings = settings(method, steps: 6, warm: method.keepsMap ? 3 : 0)
    var driver = FlowDriver(runner, measurer: measurer, mapSweeps: interpreter.sweeps, settings: settings)
    for allowed in [2, 5] {
      var taken = 0
      driver.observer.isOver = { taken >= allowed }
      let outcomes = try driver.attack(batch, benign: try measurer.benign(batch)) { taken = $0 }
      #expect(taken == allowed && outcomes.allSatisfy(\.wasCut))
    }
    driver.observer.isOver = { false }
    #expect(try driver.attack(batch, benign: try measurer.benign(batch)) { _ in }.allSatisfy { !$0.wasCut })
  }
}
