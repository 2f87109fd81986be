import Attacks
import IR
import Interpreters
import SampleNetworks
import TensorTypes
import Testing

/// ADV² against MASK through the driver, with the reference evaluator.
@Suite struct MaskAttackTests {
  private let constants: MaskConstants
  private let runner: ReferenceRunner

  init() throws { try self.init(evading: []) }

  private init(lookaheadSteps: Int = MaskPrograms.lookaheadSteps, evading squeezers: [Squeezer] = []) throws {
    let objective = StepObjective(evaded: squeezers)
    let interpreter = try MaskInterpreter(try Classifier(try PooledClassifier.softmax.graph(batch: 2)))
    var constants = interpreter.constants
    constants.iterations = 6
    self.constants = constants
    runner = ReferenceRunner([
      try MaskPrograms.scores(interpreter), try MaskPrograms.views(interpreter), try MaskPrograms.step(interpreter),
      try MaskPrograms.signStep(interpreter, objective), try MaskPrograms.marginStep(interpreter, objective),
      try MaskPrograms.lookahead(interpreter, steps: lookaheadSteps), try MaskPrograms.search(interpreter),
      try AttackPrograms.pgdStep(of: interpreter.network),
    ])
  }

  private func measurer(_ runner: any GraphRunner, seed: UInt64) -> MaskMeasurer {
    MaskMeasurer(runner, constants, jitter: JitterSequence(margin: constants.margin, seed: seed))
  }

  private func settings(steps: Int = 7, seed: UInt64 = 0, compare: Bool = false) -> AttackSettings {
    var settings = AttackSettings(
      method: .adv2, threat: ThreatModel(eps: 0.1, alpha: 2.0 / 255), schedule: AttackSchedule(interpreter: "mask"),
      steps: steps, warm: 4, checkInterval: 4, comparesWithPGD: compare, seed: seed)
    settings.mask.followerSteps = 4
    settings.mask.resetInterval = 3
    settings.mask.halvings = 5
    settings.mask.requiredProbability = 0
    settings.schedule.confidence = 0.2
    return settings
  }

  private func attack(_ batch: AttackBatch, _ settings: AttackSettings, _ runner: (any GraphRunner)? = nil) throws
    -> [AttackOutcome]
  {
    let measurer = measurer(runner ?? self.runner, seed: settings.seed)
    let driver = try MaskAttackDriver(runner ?? self.runner, measurer: measurer, settings: settings)
    var reported: [Int] = []
    let outcomes = try driver.attack(batch, benign: try measurer.benign(batch)) { reported.append($0) }
    #expect(reported == Array(1...driver.totalSteps))
    return outcomes
  }

  private func batch(_ seeds: [UInt64], targets: [Int]) -> AttackBatch {
    var levels: [UInt8] = []
    for seed in seeds {
      var random = Random(seed: seed)
      levels += (0..<3 * 12 * 12).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    return AttackBatch(shape: [2, 3, 12, 12], levels: levels, targets: targets)
  }

  @Test func `the seed decides the maps, and where an attack ends`() throws {
    let a = try attack(batch([1, 2], targets: [4, 0]), settings())[0]
    let b = try attack(batch([1, 2], targets: [4, 0]), settings(seed: 1))[0]
    #expect(a.benign.map != b.benign.map && a.others[0].iterate != b.others[0].iterate)
  }

  @Test(arguments: [0, 0.3])
  func `neither the batch nor the place in it changes an image's result`(requiredProbability: Double) throws {
    var settings = self.settings()
    settings.mask.requiredProbability = requiredProbability
    let a = try attack(batch([1, 2], targets: [4, 0]), settings)[0]
    let b = try attack(batch([3, 1], targets: [2, 4]), settings)[1]
    #expect(a.sweeps == b.sweeps)
    #expect(a.result == b.result && a.benign == b.benign && a.others[0].iterate == b.others[0].iterate)
  }

  @Test func `every iterate stays within eps and within the image range`() throws {
    let batch = batch([1, 2], targets: [4, 0])
    for (image, outcome) in try attack(batch, settings(compare: true)).enumerated() {
      #expect(outcome.others.map(\.name) == ["last", "pgd.last", "pgd.stopped", "pgd.chosen"])
      let origin = Array(batch.levels[batch.range(image)])
      for iterate in [outcome.result] + outcome.others.map(\.iterate) {
        #expect(iterate.levels != origin)
        for ((x, level), origin) in zip(zip(iterate.pixels, iterate.levels), origin) {
          #expect((0...1).contains(x) && abs(Double(x) - Double(origin) / 255) <= 0.1 + 1e-6)
          #expect(abs(Double(level) - Double(origin)) <= 25)
        }
      }
    }
  }

  @Test(arguments: [[], [.bits(3), .nonLocalMeans]] as [[Squeezer]])
  func `sweeps are counted exactly, and an iteration of the full attack costs at most 60 forward passes`(
    evaded: [Squeezer]
  ) throws {
    let suite = try MaskAttackTests(evading: evaded)
    let counting = RecordingRunner(suite.runner)
    let steps = 7
    var settings = settings(steps: steps)
    settings.schedule.objective.evaded = evaded
    settings.detector = SqueezeThresholds(evaded, evaded.map { _ in 0 })
    let outcome = try suite.attack(batch([1, 2], targets: [4, 0]), settings, counting)[0]
    let calls = counting.calls
    func count(_ name: String) -> Int { calls.count { $0.name == name } }
    let ahead = 4 * count(MaskPrograms.lookaheadName)
    // The network runs on squeezed images within a step down the margin, and as `scores` everywhere else.
    let moves = count(MaskPrograms.signStepName) + count(MaskPrograms.marginStepName)
    let gradients = count(MaskPrograms.stepName) + (1 + evaded.count) * moves
    #expect(
      outcome.sweeps
        == SweepCounts(
          forward: gradients + ahead + count(MaskPrograms.searchName) + count(MaskPrograms.scoresName),
          backward: gradients + ahead, secondOrder: ahead))
    #expect(count(MaskPrograms.lookaheadName) == steps)

    // The numbers of the default, with the search that squeezers ask for: a product of second order takes two sweeps.
    let full = MaskSchedule()
    let iterations = try MaskConstants(.v2, imageShape: [1, 3, 224, 224]).iterations
    let reset = Double(2 * iterations + 1) / Double(full.resetInterval)
    let passes = 2 + 2 * full.followerSteps + 4 * MaskPrograms.lookaheadSteps + 1 + full.halvings(isShared: true)
    #expect(Double(passes) + reset <= 60)
  }

  @Test(arguments: [0, 1, 3])
  func `the lookahead takes as many steps of the mask as it is asked for, and without any moves nothing`(steps: Int) throws {
    let suite = try MaskAttackTests(lookaheadSteps: max(steps, 1))
    let recording = RecordingRunner(suite.runner)
    var settings = settings(steps: 2)
    settings.mask.lookaheadSteps = steps
    let outcome = try suite.attack(batch([1, 2], targets: [4, 0]), settings, recording)[0]
    #expect(outcome.sweeps.secondOrder == 2 * steps)
    let calls = recording.calls.map(\.name)
    let searches = calls.count { $0 == MaskPrograms.searchName }
    // Every image endures the largest step.
    #expect(searches == (steps == 0 ? 0 : 2) && calls.contains(MaskPrograms.lookaheadName) == (steps > 0))
  }

  @Test func `without halvings every image moves all the way, and without resets its mask goes on`() throws {
    let recording = RecordingRunner(runner)
    var settings = settings(steps: 4)
    settings.mask.halvings = 0
    settings.mask.resetInterval = 0
    settings.mask.largestStep = 0.3
    // No image endures a step, so that a search would move none.
    settings.mask.requiredProbability = 2
    let batch = batch([1, 2], targets: [4, 0])
    let outcome = try attack(batch, settings, recording)[0]
    let searches = recording.calls.filter { $0.name == MaskPrograms.searchName }
    #expect(searches.count == 4)
    // The norm is for 3 x 224 x 224 values.
    let largest = Float(0.3 * 12 / 224)
    #expect(searches[0].inputs["alphas"]?.floats == [largest, largest])
    let lookaheads = recording.calls.filter { $0.name == MaskPrograms.lookaheadName }
    let counters: [Float] = try lookaheads.map { try #require($0.inputs["corrections"]).floats[0] }
    #expect(counters == [5, 13, 21, 29].map { MaskAdam.corrections(step: $0)[0] })
    // The only check is the last.
    #expect(outcome.sweeps.forward == (6 + 2) + 4 + 4 * (1 + 4 + 4 + 1) + 7)
  }

  @Test func `an image that endures no step stays`() throws {
    let batch = batch([1, 2], targets: [4, 0])
    var settings = settings(steps: 2)
    settings.mask.requiredProbability = 2
    settings.mask.predictionStep = 0
    let stuck = RecordingRunner(runner)
    let outcome = try attack(batch, settings, stuck)[0]
    let tried = stuck.calls.filter { $0.name == MaskPrograms.searchName }.compactMap { $0.inputs["alphas"]?.floats[0] }
    let largest = tried[0]
    #expect(tried.prefix(6) == [1, 0.5, 0.25, 0.125, 0.0625, 0.03125].map { $0 * largest }[...])
    // The second of two iterations goes half as far.
    #expect(tried.count == 12 && tried[6] == largest / 2)
    settings.steps(1)
    #expect(outcome.others[0].iterate.pixels == (try attack(batch, settings)[0].others[0].iterate.pixels))
  }

  @Test func `an image moves against the map only as far as every evaded squeezer leaves the target its probability`() throws
  {
    let batch = batch([1, 2], targets: [4, 0])
    let suite = try MaskAttackTests(evading: [.median(3)])
    func ends(_ share: Double) throws -> (before: [Float], after: [Float]) {
      var settings = settings()
      settings.schedule.objective.evaded = [.median(3)]
      settings.mask.requiredProbability = 0.1
      settings.mask.squeezedShare = share
      settings.mask.predictionStep = 0
      func last(_ steps: Int) throws -> [Float] {
        settings.schedule.steps = steps
        return try suite.attack(batch, settings)[0].others[0].iterate.pixels
      }
      return (try last(0), try last(2))
    }
    let (start, moved) = try ends(0.01)
    #expect(start != moved)
    let (same, stuck) = try ends(100)
    #expect(same == start && stuck == start)
  }

  @Test func `the published modes search as far and as long as their sources`() {
    let iterations = [0, 899, 900, 999]
    func steps(_ mode: AttackMode) -> [Double] {
      iterations.map { MaskSchedule(mode: mode).largestStep(at: $0, of: 1000) }
    }
    #expect(steps(.code) == [0.08, 0.08, 0.04, 0.04] && steps(.paper) == [0.08, 0.08, 0.08, 0.08])
    #expect(MaskSchedule(mode: .code).largestStep(at: 0, of: 1000, isJoint: true) == 0.08)
    for isShared in [false, true] {
      #expect(MaskSchedule(mode: .code).halvings(isShared: isShared) == 10)
      #expect(MaskSchedule(mode: .paper).halvings(isShared: isShared) == 12)
    }
    #expect(AttackMode.allCases.map { AttackSchedule(interpreter: "mask", mode: $0).steps } == [600, 1000, 1000])
  }

  @Test func `the default searches only beside squeezers or other interpreters, unless it is told how often`() {
    var schedule = MaskSchedule()
    #expect(schedule.halvings(isShared: false) == 0 && schedule.halvings(isShared: true) == 5)
    schedule.halvings = 3
    #expect(schedule.halvings(isShared: false) == 3 && schedule.halvings(isShared: true) == 3)
  }

  @Test func `the largest step shrinks evenly, among several interpreters with the square`() {
    var schedule = MaskSchedule()
    schedule.largestStep = 2
    func steps(isJoint: Bool) -> [Double] { (0..<4).map { schedule.largestStep(at: $0, of: 4, isJoint: isJoint) } }
    #expect(steps(isJoint: false) == [2, 1.5, 1, 0.5])
    #expect(steps(isJoint: true) == [2, 1.125, 0.5, 0.125])
  }

  @Test func `several maps with MASK's among them are each interpreter's own`() throws {
    let classifier = try Classifier(try PooledClassifier.softmax.graph(batch: 2))
    let others = try CombinedInterpreter([try ClassActivationMap(classifier), GradientMap(classifier)], weights: [1, 1])
    let runner = BothRunners(first: runner, second: ReferenceRunner([try AttackPrograms.map(others)]))
    let mask = measurer(runner, seed: 0)
    let drawn = ProgramMeasurer(runner, mapShape: others.mapShape, mapSweeps: others.sweeps)
    let batch = batch([1, 2], targets: [4, 0])
    let own = try mask.measure(pixels(batch.levels), shape: batch.shape, classes: batch.targets)
    let rest = try drawn.measure(pixels(batch.levels), shape: batch.shape, classes: batch.targets)
    for position in 0...2 {
      let joint = JointMeasurer(drawn: drawn, mask: mask, maskPosition: position, count: 3)
      let measured = try joint.measure(pixels(batch.levels), shape: batch.shape, classes: batch.targets)
      #expect(joint.mapShape == [2, 36, 12])
      for image in 0...1 {
        #expect(measured[image].map.count == 36 * 12)
        #expect(joint.maskPart(of: measured[image].map) == own[image].map)
        #expect(joint.drawnPart(of: measured[image].map) == rest[image].map)
        #expect(measured[image].probabilities == rest[image].probabilities)
      }
    }
  }

  @Test func `beside another interpreter a part of the steps is against MASK too`() throws {
    let cam = try ClassActivationMap(try Classifier(try PooledClassifier.softmax.graph(batch: 2)))
    let recording = RecordingRunner(
      BothRunners(first: runner, second: ReferenceRunner([try AttackPrograms.map(cam), try AttackPrograms.step(cam)])))
    let drawn = ProgramMeasurer(recording, mapShape: cam.mapShape, mapSweeps: cam.sweeps)
    let joint = JointMeasurer(drawn: drawn, mask: measurer(recording, seed: 0), maskPosition: 1, count: 2)
    var settings = settings(steps: 6)
    settings.mask.jointShare = 3
    settings.mask.halvings = 0
    settings.mask.largestStep = 0.5
    let batch = batch([1, 2], targets: [4, 0])
    let driver = try MaskAttackDriver(recording, joint: joint, mapSweeps: cam.sweeps, settings: settings)
    _ = try driver.attack(batch, benign: try joint.benign(batch))
    let searches = recording.calls.filter { $0.name == MaskPrograms.searchName }
    // Two of six steps are against both.
    let largest = Float(0.5 * 12 / 224)
    #expect(searches.map { $0.inputs["alphas"]?.floats } == [[largest, largest], [largest / 4, largest / 4]])
  }

  @Test func `momentum keeps of a direction what it is told`() throws {
    let batch = batch([1, 2], targets: [4, 0])
    func directions(_ momentum: Float) throws -> [[Double]] {
      var settings = settings(steps: 2)
      settings.mask.momentum = momentum
      let recording = RecordingRunner(runner)
      _ = try attack(batch, settings, recording)
      let searches = recording.calls.filter { $0.name == MaskPrograms.searchName }
      return searches.compactMap { $0.inputs["direction"]?.doubles }
    }
    let (without, with) = (try directions(0), try directions(0.7))
    // The first iterations are the same, and so are the newest directions of the second.
    #expect(without.count == 2 && with.count == 2 && without[0] == with[0])
    for image in 0...1 {
      let range = batch.range(image)
      let mixed = zip(without[1][range], without[0][range]).map { 0.3 * $0 + 0.7 * $1 }
      let length = mixed.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for (expected, found) in zip(mixed, with[1][range]) { #expect(abs(expected / length - found) < 1e-5) }
    }
  }

  @Test func `the corrections of Adam count on from a hundred after a reset`() throws {
    let recording = RecordingRunner(runner)
    _ = try attack(batch([1, 2], targets: [4, 0]), settings(steps: 4), recording)
    let lookaheads = recording.calls.filter { $0.name == MaskPrograms.lookaheadName }.map(\.inputs)
    let exponents = try lookaheads.map { inputs in
      let pairs = try #require(inputs["corrections"]).doubles
      return (0..<4).map { step in
        (1...300).min { a, b in
          abs(Double(MaskAdam.corrections(step: a)[1]) - pairs[2 * step + 1])
            < abs(Double(MaskAdam.corrections(step: b)[1]) - pairs[2 * step + 1])
        }
      }
    }
    // Four steps follow and four look ahead; the third iteration resets first.
    #expect(exponents == [[5, 6, 7, 8], [13, 14, 15, 16], [105, 106, 107, 108], [113, 114, 115, 116]])
    #expect(MaskAdam.corrections(step: 2) == [Float(1 - 0.9 * 0.9), Float(1 - 0.999 * 0.999)])
  }

  @Test func `the lookahead can be taken back`() throws {
    var settings = settings(steps: 1)
    let kept = RecordingRunner(runner)
    let back = RecordingRunner(runner)
    settings.steps(2)
    _ = try attack(batch([1, 2], targets: [4, 0]), settings, kept)
    settings.mask.takesLookaheadBack = true
    _ = try attack(batch([1, 2], targets: [4, 0]), settings, back)
    func counters(_ runner: RecordingRunner) throws -> [Float] {
      try runner.calls.filter { $0.name == MaskPrograms.lookaheadName }.map {
        try #require($0.inputs["corrections"]).floats[0]
      }
    }
    #expect(try counters(kept) == [5, 13].map { MaskAdam.corrections(step: $0)[0] })
    #expect(try counters(back) == [5, 9].map { MaskAdam.corrections(step: $0)[0] })
  }

  @Test func `early stopping ends with the first check that succeeds, and time with what there is`() throws {
    let batch = batch([1, 2], targets: [4, 0])
    var settings = settings()
    settings.stopsEarly = true
    settings.schedule.confidence = 0
    let measurer = measurer(runner, seed: 0)
    var driver = try MaskAttackDriver(runner, measurer: measurer, settings: settings)
    let benign = try measurer.benign(batch)
    let whole = try attack(batch, self.settings())
    for (early, whole) in zip(try driver.attack(batch, benign: benign), whole) where early.passedCheck && !early.wasCut {
      #expect(early.sweeps.forward <= whole.sweeps.forward)
    }
    var asked = 0
    driver.observer.isOver = {
      asked += 1
      return asked > 6
    }
    var reported: [Int] = []
    let cut = try driver.attack(batch, benign: benign) { reported.append($0) }
    #expect(reported == Array(1...6))
    for outcome in cut where outcome.wasCut { #expect(outcome.others[0].iterate.step == 2) }
  }

  @Test func `the trace says after every step and at each check where every image is, and changes nothing`() throws {
    let batch = batch([1, 2], targets: [4, 0])
    let measurer = measurer(runner, seed: 0)
    var driver = try MaskAttackDriver(runner, measurer: measurer, settings: settings())
    let benign = try measurer.benign(batch)
    let plain = try driver.attack(batch, benign: benign)
    var points: [TracePoint] = []
    driver.observer.trace = { points += $0 }
    let outcomes = try driver.attack(batch, benign: benign)
    #expect(outcomes.map(\.result) == plain.map(\.result) && outcomes[0].sweeps == plain[0].sweeps)
    #expect(points.map(\.image) == points.indices.map { $0 % 2 })
    func steps(_ phase: String) -> [Int] { points.filter { $0.phase == phase && $0.image == 0 }.map(\.step) }
    #expect(steps(MaskPrograms.signStepName) == Array(1...4) && steps(MaskPrograms.lookaheadName) == Array(1...7))
    // Resets come before the third and the sixth iteration, the last check after the seventh.
    #expect(steps("check") == [2, 5, 7])
    for point in points {
      #expect((point.loss != nil) == (point.phase == MaskPrograms.lookaheadName))
      #expect((point.mapDistance == nil) == (point.phase == MaskPrograms.signStepName))
    }
    let last = outcomes.map { pixels($0.others[0].iterate.levels) }.flatMap { $0 }
    let measured = try measurer.measure(last, shape: batch.shape, classes: batch.targets, benign: benign.map(\.map))
    #expect(points.suffix(2).map(\.mapDistance) == measured.map(\.l1))
    #expect(points.suffix(2).map(\.probability) == measured.map(\.targetProbability))
    let unrounded = outcomes.flatMap { $0.others[0].iterate.pixels }
    let probabilities = try measurer.probabilities(unrounded, shape: batch.shape)
    #expect(
      points.suffix(4).prefix(2).map(\.probability)
        == zip(probabilities, batch.targets).map { Double($0[$1]) })
  }

  @Test func `what ADV² against MASK does not have is refused by name`() throws {
    for change in [{ $0.isUntargeted = true }, { $0.restarts = 1 }, { $0.threat.norm = .l2 }]
      as [(inout AttackSettings) -> Void]
    {
      var settings = settings()
      change(&settings)
      let error = #expect(throws: AttackError.self) {
        try MaskAttackDriver(runner, measurer: measurer(runner, seed: 0), settings: settings)
      }
      #expect("\(try #require(error))".contains("ADV² against MASK has no "))
    }
  }

  @Test func `jitter stays within its margin, takes every offset, and differs between streams`() {
    let streams = [JitterSequence.recorded, JitterSequence.attacking] + JitterSequence.unseen
    let sequences = streams.map { stream in
      (0..<300).flatMap { draw in
        let offset = JitterSequence(margin: 4, seed: 5, stream: stream).offset(draw)
        return [offset.row, offset.column]
      }
    }
    for sequence in sequences { #expect(Set(sequence) == [0, 1, 2, 3]) }
    #expect(Set(sequences).count == streams.count)
    let still = JitterSequence.still(margin: 4)
    #expect((0..<9).allSatisfy { still.offset($0) == (2, 2) })
    #expect(JitterSequence(margin: 0, seed: 1).offset(3) == (0, 0))
  }
}

extension AttackSettings {
  fileprivate mutating func steps(_ steps: Int) { schedule.steps = steps }
}
