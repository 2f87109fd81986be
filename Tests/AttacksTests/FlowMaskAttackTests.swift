import Attacks
import IR
import Interpreters
import SampleNetworks
import TensorTypes
import Testing

/// ADV² on stAdv against MASK, alone and beside CAM, through the driver with the reference evaluator.
@Suite struct FlowMaskAttackTests {
  enum Opponents: String, CaseIterable, Sendable {
    case mask
    case camAndMask = "cam,mask"
  }

  private let mask: MaskInterpreter
  private let cam: ClassActivationMap
  private let constants: MaskConstants

  init() throws {
    let classifier = try Classifier(try PooledClassifier.softmax.graph(batch: 2))
    mask = try MaskInterpreter(classifier)
    cam = try ClassActivationMap(classifier)
    var constants = mask.constants
    constants.iterations = 6
    self.constants = constants
  }

  private func runner(_ opponents: Opponents) throws -> RecordingRunner {
    let objective = AttackSchedule(flow: "cam").objective
    return RecordingRunner(
      ReferenceRunner([
        try MaskPrograms.scores(mask), try MaskPrograms.views(mask), try MaskPrograms.step(mask),
        try MaskPrograms.lookahead(mask), try AttackPrograms.map(cam),
        try FlowPrograms.warp(imageShape: [2, 3, 12, 12]), try FlowPrograms.step(of: mask.network),
        opponents == .mask ? try FlowPrograms.mapStep(mask) : try FlowPrograms.mapStep(cam, objective, takesGradient: true),
      ]))
  }

  private func measurer(_ opponents: Opponents, _ runner: any GraphRunner) -> any MapMeasurer {
    let mask = MaskMeasurer(runner, constants, jitter: JitterSequence(margin: constants.margin, seed: 0))
    if opponents == .mask { return mask }
    return JointMeasurer(
      drawn: ProgramMeasurer(runner, mapShape: cam.mapShape, mapSweeps: cam.sweeps), mask: mask, maskPosition: 1, count: 2)
  }

  private func settings(_ opponents: Opponents, steps: Int = 7, warm: Int = 4, compares: Bool = false) -> AttackSettings {
    var settings = AttackSettings(
      method: .adv2Stadv, schedule: AttackSchedule(flow: opponents.rawValue), steps: steps, warm: warm,
      comparesWithPGD: compares)
    settings.mask.resetInterval = 3
    settings.schedule.confidence = 0
    return settings
  }

  private func driver(_ opponents: Opponents, _ settings: AttackSettings, _ runner: any GraphRunner) -> FlowDriver {
    FlowDriver(runner, measurer: measurer(opponents, runner), mapSweeps: cam.sweeps, settings: settings)
  }

  @Test(arguments: Opponents.allCases)
  func `neither the batch nor the place in it changes an image's result`(opponents: Opponents) throws {
    func outcomes(_ batch: AttackBatch) throws -> [AttackOutcome] {
      let driver = driver(opponents, settings(opponents), try runner(opponents))
      return try driver.attack(batch, benign: try driver.measurer.benign(batch))
    }
    let a = try outcomes(AttackBatch(seeds: [1, 2], targets: [4, 0]))[0]
    let b = try outcomes(AttackBatch(seeds: [3, 1], targets: [2, 4]))[1]
    #expect(a.result == b.result && a.sweeps == b.sweeps && a.others[0].iterate == b.others[0].iterate)
  }

  @Test(arguments: Opponents.allCases)
  func `sweeps are counted exactly`(opponents: Opponents) throws {
    let runner = try runner(opponents)
    let driver = driver(opponents, settings(opponents), runner)
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    var reported: [Int] = []
    let outcome = try driver.attack(batch, benign: try driver.measurer.benign(batch)) { reported.append($0) }[0]
    #expect(reported == Array(1...driver.totalSteps))
    func count(_ names: String...) -> Int { runner.calls.count { names.contains($0.name) } }
    let steps = count("flowStep", "flowMapStep")
    let ahead = 4 * count("lookahead")
    #expect(steps == 11 && ahead == 4 * 7)
    // The probabilities beside CAM come with its map.
    let gradients = steps + ahead + count("maskStep")
    #expect(
      outcome.sweeps
        == SweepCounts(forward: gradients + count("scores", "map"), backward: gradients, secondOrder: ahead))
  }

  @Test(arguments: Opponents.allCases)
  func `a comparison is stAdv by cross entropy, and changes nothing of the attack`(opponents: Opponents) throws {
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    func outcomes(compares: Bool) throws -> ([AttackOutcome], steps: [String]) {
      let runner = try runner(opponents)
      let driver = driver(opponents, settings(opponents, compares: compares), runner)
      var reported: [Int] = []
      let outcomes = try driver.attack(batch, benign: try driver.measurer.benign(batch)) { reported.append($0) }
      #expect(reported == Array(1...driver.totalSteps))
      return (outcomes, runner.calls.map(\.name).filter { $0.hasPrefix("flow") })
    }
    let (without, steps) = try outcomes(compares: false)
    let (with, more) = try outcomes(compares: true)
    #expect(with.map(\.result) == without.map(\.result) && with[0].sweeps == without[0].sweeps)
    #expect(with[0].others.map(\.name) == ["last", "stadv.last", "stadv.chosen"])
    // Against MASK alone the first phase lowers the margin, whose program is that of the second.
    let first = opponents == .mask ? 0 : 4
    #expect(steps.count { $0 == "flowStep" } == first && steps.count == 11)
    #expect(more.count { $0 == "flowStep" } == FlowTerms.plainSteps)
  }

  @Test func `the gradient of the masks reaches the flow through the warp, with its weight`() throws {
    let runner = try runner(.mask)
    let driver = driver(.mask, settings(.mask, steps: 1), runner)
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    _ = try driver.attack(batch, benign: try driver.measurer.benign(batch))
    let step = try #require(runner.calls.last { $0.name == "flowMapStep" }).inputs
    let lookahead = try #require(runner.calls.last { $0.name == "lookahead" }).inputs
    let prospect = try runner.run("lookahead", lookahead)
    let (direction, norms) = (try #require(prospect["direction"]).doubles, try #require(prospect["norm"]).doubles)
    let given = try #require(step["gradient"]).doubles
    for (index, value) in given.enumerated() {
      let expected = driver.settings.schedule.coefficient * norms[index / batch.imageSize] * direction[index]
      #expect(abs(value - expected) <= 1e-5 * max(abs(expected), 1))
    }
    #expect(given.contains { $0 != 0 })

    // ⟨∂/∂flow, v⟩ of max(margin, marginFloor) + smoothness · flow loss + ⟨gradient, warped⟩, by central differences.
    func loss(_ flow: [Double]) throws -> Double {
      var inputs = step
      let moved = HostTensor(TensorType(.float32, [2, 2, 12, 12]), .double(flow))
      let origin = try #require(step["origin"])
      let x = try #require(try runner.run("warp", ["x": origin, "flow": moved])["warped"])
      (inputs["flow"], inputs["x"]) = (moved, x)
      let outputs = try runner.run("flowMapStep", inputs)
      let own = try #require(outputs["clampedMargin"]).doubles.reduce(0, +)
      let rough = try #require(outputs["flowLoss"]).doubles.reduce(0, +)
      return own + driver.settings.schedule.flow!.smoothness * rough + zip(given, x.doubles).reduce(0) { $0 + $1.0 * $1.1 }
    }
    var random = Random(seed: 4)
    let v = random.tensor([2, 2, 12, 12], in: -1...1).doubles
    let flow = try #require(step["flow"]).doubles
    let h = 1e-6
    func moved(_ amount: Double) -> [Double] { zip(flow, v).map { $0 + amount * $1 } }
    let difference = (try loss(moved(h)) - loss(moved(-h))) / (2 * h)
    // m = (1 − β₁) g after the first step.
    let moment = try #require(try runner.run("flowMapStep", step)["next.firstMoment"]).doubles
    let derivative = zip(moment, v).reduce(0) { $0 + 10 * $1.0 * $1.1 }
    #expect(abs(derivative - difference) <= 1e-5 * abs(difference) && abs(difference) > 1e-3)
  }

  @Test(arguments: Opponents.allCases)
  func `masks that are followed come closer than without their gradient`(opponents: Opponents) throws {
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    func distances(weight: Double) throws -> [Double] {
      var settings = settings(opponents, steps: 24)
      settings.mask.resetInterval = 0
      if opponents == .mask { settings.schedule.coefficient = weight } else { settings.schedule.flow?.maskWeight = weight }
      let driver = driver(opponents, settings, try runner(opponents))
      let benign = try driver.measurer.benign(batch)
      var points: [TracePoint] = []
      var traced = driver
      traced.observer.trace = { points += $0 }
      _ = try traced.attack(batch, benign: benign)
      return points.filter { $0.phase == "flowMapStep" }.suffix(16).compactMap(\.mapDistance)
    }
    let (with, without) = (try distances(weight: 500), try distances(weight: 0))
    #expect(with.count == 16 && with.reduce(0, +) < 0.9 * without.reduce(0, +), "\(with) \(without)")
  }

  @Test func `a trace names the phases, and holds the checks`() throws {
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    for (opponents, first) in [(Opponents.mask, "flowMarginStep"), (.camAndMask, "flowStep")] {
      var driver = driver(opponents, settings(opponents), try runner(opponents))
      let benign = try driver.measurer.benign(batch)
      let plain = try driver.attack(batch, benign: benign)
      var points: [TracePoint] = []
      driver.observer.trace = { points += $0 }
      let traced = try driver.attack(batch, benign: benign)
      #expect(traced.map(\.result) == plain.map(\.result) && traced[0].sweeps == plain[0].sweeps)
      func steps(_ phase: String) -> [Int] { points.filter { $0.phase == phase && $0.image == 0 }.map(\.step) }
      #expect(steps(first) == Array(0...4) && steps("flowMapStep") == Array(0...7))
      // Masks are computed anew ahead of the third and the sixth step, and after the last.
      #expect(steps("check") == [2, 5, 7])
      for point in points where point.phase == "flowMapStep" || point.phase == first {
        #expect((point.mapDistance == nil) == (point.phase == first))
        #expect((point.loss == nil) == (point.step == (point.phase == first ? 4 : 7)))
        #expect((point.crossEntropy == nil) == (opponents == .mask || point.loss == nil))
      }
    }
  }

  @Test func `the published modes have the numbers of their sources`() {
    for mode in [AttackMode.paper, .code] {
      let settings = AttackSettings(method: .adv2Stadv, schedule: AttackSchedule(flow: "mask", mode: mode))
      let flow = settings.schedule.flow
      #expect(settings.steps == 1000 && settings.warm == 400 && settings.schedule.coefficient == 500)
      #expect(flow?.smoothness == 0.004 && flow?.firstSmoothness == 0.0005 && flow?.mapOptimiser.rate == 0.005)
      #expect(flow?.marginFloor == -5)
      #expect(settings.mask.resetInterval == 50 && settings.mask.followerSteps == 4 && settings.mask.rateShare == 0.1)
    }
  }
}
