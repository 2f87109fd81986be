import Attacks
import Foundation
import IR
import Interpreters
import SampleNetworks
import TensorTypes
import Testing

/// What else an attack may be asked for: other norms, no target, several starts, less time, a record of its way.
@Suite struct AttackVariantsTests {
  private let interpreter: ClassActivationMap

  init() throws {
    interpreter = try ClassActivationMap(try Classifier(try PooledClassifier.softmax.graph(batch: 2)))
  }

  private func driver(_ settings: AttackSettings) throws -> AttackDriver {
    let norm = settings.threat.norm
    let graphs = [
      try AttackPrograms.map(interpreter), try AttackPrograms.pgdStep(interpreter, norm),
      try AttackPrograms.step(interpreter, settings.schedule.objective),
    ]
    let runner = ReferenceRunner(graphs)
    return AttackDriver(
      runner, measurer: ProgramMeasurer(runner, mapShape: interpreter.mapShape), settings: settings)
  }

  private func batch(seeds: [UInt64], targets: [Int]) -> AttackBatch {
    var levels: [UInt8] = []
    for seed in seeds {
      var random = Random(seed: seed)
      levels += (0..<3 * 12 * 12).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    return AttackBatch(shape: [2, 3, 12, 12], levels: levels, targets: targets)
  }

  private func length(_ x: [Float], _ origin: [UInt8]) -> Double {
    zip(x, origin).reduce(0) { $0 + (Double($1.0) - Double($1.1) / 255) * (Double($1.0) - Double($1.1) / 255) }.squareRoot()
  }

  // MARK: Norms

  @Test(arguments: [AttackSettings.Method.pgd, .adv2])
  func `under l2 every iterate stays in the ball, and its levels do so exactly`(method: AttackSettings.Method) throws {
    let threat = ThreatModel(norm: .l2, eps: 0.6, alpha: 0.2)
    let driver = try driver(AttackSettings(method: method, threat: threat, steps: 13, warm: 4, comparesWithPGD: true))
    let batch = batch(seeds: [1, 2], targets: [4, 0])
    for (image, outcome) in try driver.attack(batch, benign: try driver.measurer.benign(batch)).enumerated() {
      let origin = Array(batch.levels[batch.range(image)])
      for iterate in [outcome.result] + outcome.others.map(\.iterate) {
        #expect(length(iterate.pixels, origin) <= 0.6 + 1e-6)
        #expect(iterate.pixels.allSatisfy { (0...1).contains($0) })
        let squares = zip(iterate.levels, origin).reduce(0) { $0 + (Int($1.0) - Int($1.1)) * (Int($1.0) - Int($1.1)) }
        #expect(Double(squares) <= (255 * 0.6) * (255 * 0.6))
      }
      #expect(length(outcome.result.pixels, origin) > 0.4)
    }
  }

  @Test func `a step under l2 has the length alpha along the gradient`() throws {
    let origin = [Float](repeating: 0.5, count: 2 * 3 * 12 * 12)
    let graph = try AttackPrograms.pgdStep(interpreter, .l2)
    func step(_ x: [Float], alpha: Float) throws -> [Float] {
      let shape: Shape = [2, 3, 12, 12]
      let inputs = [
        "x": HostTensor(shape, x), "origin": HostTensor(shape, origin), "target": HostTensor([2], [1, 3] as [Int64]),
        "alpha": HostTensor(.scalar, [alpha]), "eps": HostTensor(.scalar, [Float(1)]),
      ]
      return try #require(try graph.evaluate(inputs)["next"]).floats
    }
    let short = try step(origin, alpha: 0.01)
    let long = try step(origin, alpha: 0.02)
    for image in 0..<2 {
      let range = image * 432..<(image + 1) * 432
      let a = zip(short[range], origin[range]).map { Double($0 - $1) }
      let b = zip(long[range], origin[range]).map { Double($0 - $1) }
      #expect(abs(a.reduce(0) { $0 + $1 * $1 }.squareRoot() - 0.01) < 1e-6)
      #expect(zip(a, b).allSatisfy { abs(2 * $0 - $1) < 1e-6 })
    }
  }

  @Test(arguments: [0.05, 0.3, 2, 40])
  func `the lattice point of a place in the ball lies in the ball, and within two levels of it`(eps: Double) throws {
    var random = Random(seed: 3)
    let threat = ThreatModel(norm: .l2, eps: eps, alpha: 0.1)
    for _ in 0..<20 {
      let origin = (0..<300).map { _ in UInt8.random(in: 0...255, using: &random) }
      let direction = (0..<300).map { _ in Double.random(in: -1...1, using: &random) }
      let norm = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let x = zip(origin, direction).map { origin, offset in
        min(max(Float(Double(origin) / 255 + eps / norm * offset), 0), 1)
      }
      let levels = threat.quantised(x, origin: origin)
      let squares = zip(levels, origin).reduce(0) { $0 + (Int($1.0) - Int($1.1)) * (Int($1.0) - Int($1.1)) }
      #expect(Double(squares) <= (255 * eps) * (255 * eps))
      #expect(zip(levels, x).allSatisfy { abs(Double($0) - 255 * Double($1)) <= 2 })
    }
  }

  // MARK: Starts and goals

  @Test func `without a target the label is left, and what is judged is the strongest other class`() throws {
    var settings = AttackSettings(method: .pgd, threat: ThreatModel(eps: 0.3, alpha: 0.03), steps: 30)
    settings.isUntargeted = true
    let driver = try driver(settings)
    let start = batch(seeds: [1, 2], targets: [0, 0])
    let labels = try driver.measurer.benign(start).map(\.label)
    let batch = batch(seeds: [1, 2], targets: labels)
    let benign = try driver.measurer.benign(batch)
    let outcomes = try driver.attack(batch, benign: benign)
    let (judged, classes) = try driver.measurer.judge(
      outcomes.flatMap { pixels($0.result.levels) }, batch, benign: benign.map(\.map), isUntargeted: true)
    for image in 0..<2 {
      #expect(judged[image].label != labels[image] && judged[image].label == classes[image])
      let (before, _) = try driver.measurer.judge(
        pixels(batch.levels), batch, benign: benign.map(\.map), isUntargeted: true)
      #expect(before[image].label == labels[image])
      #expect(judged[image].probabilities[labels[image]] < before[image].probabilities[labels[image]])
    }
    // Two for the benign map, 30 steps, and three checks of two maps.
    #expect(outcomes[0].sweeps == SweepCounts(forward: 2 + 30 + 6, backward: 30))
  }

  @Test func `a random start is decided by seed and image, and lies within eps`() throws {
    func result(_ batch: AttackBatch, seed: UInt64, steps: Int) throws -> [Iterate] {
      var settings = AttackSettings(method: .pgd, threat: ThreatModel(eps: 0.1, alpha: 0.001), steps: steps, seed: seed)
      settings.startsAtRandom = true
      let driver = try driver(settings)
      return try driver.attack(batch, benign: try driver.measurer.benign(batch)).map(\.result)
    }
    let batch = batch(seeds: [1, 2], targets: [4, 0])
    let first = try result(batch, seed: 1, steps: 1)
    #expect(try result(batch, seed: 1, steps: 1) == first)
    #expect(try result(batch, seed: 2, steps: 1)[0] != first[0])
    #expect(try result(self.batch(seeds: [3, 1], targets: [2, 4]), seed: 1, steps: 1)[1] == first[0])
    let origin = Array(batch.levels[batch.range(0)])
    let changes = zip(first[0].pixels, origin).map { abs(Double($0) - Double($1) / 255) }
    #expect(changes.allSatisfy { $0 <= 0.1 + 1e-6 })
    #expect(changes.reduce(0, +) / 432 > 0.03)
  }

  @Test(arguments: [AttackSettings.Method.pgd, .adv2])
  func `restarts never make a result worse, and count in its cost`(method: AttackSettings.Method) throws {
    let batch = batch(seeds: [1, 2], targets: [4, 0])
    var settings = AttackSettings(
      method: method, threat: ThreatModel(eps: 0.03, alpha: 0.004), steps: 12, warm: 4, comparesWithPGD: true)
    let single = try driver(settings)
    let benign = try single.measurer.benign(batch)
    let once = try single.attack(batch, benign: benign)
    settings.restarts = 3
    let several = try driver(settings)
    var reported: [Int] = []
    let best = try several.attack(batch, benign: benign) { reported.append($0) }
    #expect(reported == Array(1...settings.totalSteps))
    func probabilities(_ outcomes: [AttackOutcome]) throws -> [Double] {
      try single.measurer.judge(outcomes.flatMap { pixels($0.result.levels) }, batch, benign: benign.map(\.map)).0
        .map(\.targetProbability)
    }
    for (a, b) in zip(try probabilities(once), try probabilities(best)) { #expect(b >= a) }
    let runs = method == .pgd ? 12 : 16
    #expect(best[0].sweeps.backward == once[0].sweeps.backward + 3 * runs)
    #expect(best[0].others.map(\.name) == once[0].others.map(\.name))
  }

  // MARK: Ends

  @Test func `early stopping keeps the first success of each image, whatever its batch`() throws {
    func outcomes(_ seeds: [UInt64], stopsEarly: Bool) throws -> [AttackOutcome] {
      var settings = AttackSettings(method: .pgd, threat: ThreatModel(eps: 0.4, alpha: 0.01), steps: 95)
      settings.schedule.confidence = 0.3
      settings.stopsEarly = stopsEarly
      let driver = try driver(settings)
      let probabilities = try driver.measurer.benign(batch(seeds: seeds, targets: [0, 0])).map(\.probabilities)
      let targets = probabilities.map { p in p.indices.sorted { p[$0] > p[$1] }[1] }
      let batch = batch(seeds: seeds, targets: targets)
      return try driver.attack(batch, benign: try driver.measurer.benign(batch))
    }
    let long = try outcomes([1, 2], stopsEarly: false)
    let short = try outcomes([1, 2], stopsEarly: true)
    let other = try outcomes([3, 1], stopsEarly: true)
    #expect(short[0].result == other[1].result && short[0].sweeps == other[1].sweeps)
    #expect(short[0].passedCheck)
    #expect(short[0].result.step < 95 && short[0].result.step % 10 == 5)
    #expect(short[0].sweeps.backward == short[0].result.step)
    #expect(short[0].others.allSatisfy { $0.iterate.step <= short[0].result.step })
    #expect(long[0].sweeps.backward == 95)
  }

  @Test(arguments: [0, 3, 7])
  func `when time is over an attack ends between two steps and says so`(allowed: Int) throws {
    let batch = batch(seeds: [1, 2], targets: [4, 0])
    for method in [AttackSettings.Method.pgd, .adv2] {
      var driver = try driver(AttackSettings(method: method, steps: 20, warm: 5))
      var taken = 0
      driver.observer.isOver = { taken >= allowed }
      let outcomes = try driver.attack(batch, benign: try driver.measurer.benign(batch)) { taken = $0 }
      #expect(outcomes.allSatisfy { $0.wasCut && $0.sweeps.backward == allowed })
      #expect(taken == allowed)
    }
    let whole = try driver(AttackSettings(method: .adv2, steps: 4, warm: 2))
    #expect(try whole.attack(batch, benign: try whole.measurer.benign(batch)).allSatisfy { !$0.wasCut })
  }

  @Test func `a trace holds every iterate with the losses of its step, and changes nothing`() throws {
    let batch = batch(seeds: [1, 2], targets: [4, 0])
    var driver = try driver(AttackSettings(method: .adv2, steps: 6, warm: 3))
    let benign = try driver.measurer.benign(batch)
    let plain = try driver.attack(batch, benign: benign)
    var points: [TracePoint] = []
    driver.observer.trace = { points += $0 }
    let traced = try driver.attack(batch, benign: benign)
    #expect(traced.map(\.result) == plain.map(\.result) && traced[0].sweeps == plain[0].sweeps)
    let first = points.filter { $0.image == 0 }
    #expect(first.map(\.phase) == Array(repeating: "pgdStep", count: 4) + Array(repeating: "step", count: 7))
    #expect(first.map(\.step) == Array(0...3) + Array(0...6))
    #expect(first.allSatisfy { ($0.loss == nil) == ($0.step == ($0.phase == "step" ? 6 : 3)) })
    for point in first {
      // Without smoothed labels the cross entropy is that of the probability.
      if let crossEntropy = point.crossEntropy { #expect(abs(crossEntropy + log(point.probability)) < 1e-5) }
      if point.phase == "pgdStep" { #expect(point.loss == point.crossEntropy) }
    }
    let last = try driver.measurer.measure(
      traced.flatMap { $0.others[0].iterate.pixels }, shape: batch.shape, classes: batch.targets, benign: benign.map(\.map))
    #expect(first.last?.probability == last[0].targetProbability && first.last?.mapDistance == last[0].l1)
  }
}
