import Foundation
import IR
import Images
import Interpreters
import Operators
import SampleNetworks
import TensorTypes
import Testing

@testable import Attacks

/// ADV² that squeezers shall not tell.
@Suite struct EvasionTests {
  private let interpreter: ClassActivationMap

  init() throws {
    interpreter = try ClassActivationMap(
      try Interpreters.Classifier(try PooledClassifier.softmax.graph(batch: 2, smooth: true)))
  }

  private func probabilities(_ x: [Float]) throws -> [[Double]] {
    let outputs = try AttackPrograms.map(interpreter).evaluate([
      "x": HostTensor([2, 3, 12, 12], x), "class": HostTensor([2], [0, 1] as [Int64]),
    ])
    let p = try #require(outputs["probabilities"]).doubles
    return [Array(p.prefix(p.count / 2)), Array(p.suffix(p.count / 2))]
  }

  /// −Σ p(x) log p(ψ(x)) with ψ as the detector has it.
  @Test(arguments: ["bits1", "bits2", "bits3", "median2", "median3", "nlm"])
  func `the loss is the cross entropy of what the detector compares`(name: String) throws {
    let squeezer = try #require(Squeezer(name: name))
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    let x = pixels(batch.levels)
    let squeezed = squeezer.squeezed(batch.levels, shape: batch.shape)
    let graph = try AttackPrograms.step(interpreter, StepObjective(evaded: [squeezer]))
    let image = HostTensor(batch.shape, x)
    var inputs: [String: HostTensor] = [
      "x": image, "origin": image, "target": HostTensor([2], [4, 0] as [Int64]), "alpha": .scalar(1.0 / 255),
      "eps": .scalar(0.03), "mapTarget": HostTensor([2, 6, 6], [Float](repeating: 0.5, count: 72)),
      "coefficient": .scalar(0), "evasionWeight": .scalar(1),
    ]
    if squeezer == .nonLocalMeans { inputs["squeezed.nlm"] = HostTensor(batch.shape, squeezed) }
    let losses = try #require(try graph.evaluate(inputs)["evasionLoss"]).doubles
    let (own, other) = (try probabilities(x), try probabilities(squeezed))
    for image in 0..<2 {
      let expected: Double = zip(own[image], other[image]).reduce(0) { $0 - $1.0 * log($1.1) }
      #expect(abs(losses[image] - expected) < 1e-6)
    }
  }

  /// ‖p(x) − q‖₁, and in the published code's form what of it lies beyond the margin, with q as `EvasionForm` says.
  @Test(arguments: ["bits3", "median2", "median3", "nlm"], [EvasionForm.paper, .both, .code])
  func `other forms of the loss are what their equations say`(name: String, form: EvasionForm) throws {
    let squeezer = try #require(Squeezer(name: name))
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    let x = pixels(batch.levels)
    let squeezed = squeezer.squeezed(batch.levels, shape: batch.shape)
    let (own, other) = (try probabilities(x), try probabilities(squeezed))
    let target: [Float] = [0.1, 0.2, 0.3, 0.15, 0.25, 0.5, 0.125, 0.125, 0.25, 0]
    let found = [Array(target.prefix(5)), Array(target.suffix(5))].map { $0.map(Double.init) }
    let isBits = name == "bits3"
    let distances = (0..<2).map { image in
      zip(own[image], isBits ? found[image] : other[image]).reduce(0.0) { $0 + abs($1.0 - $1.1) }
    }
    let margin = (distances[0] + distances[1]) / 2
    let image = HostTensor(batch.shape, x)
    let inputs: [String: HostTensor] = [
      "x": image, "origin": image, "target": HostTensor([2], [4, 0] as [Int64]), "alpha": .scalar(1.0 / 255),
      "eps": .scalar(0.03), "mapTarget": HostTensor([2, 6, 6], [Float](repeating: 0.5, count: 72)),
      "coefficient": .scalar(0), "evasionWeight": .scalar(1), "squeezed.nlm": HostTensor(batch.shape, squeezed),
      "squeezedTarget.bits3": HostTensor([2, 5], target), "margin.\(name)": .scalar(margin),
    ]
    let graph = try AttackPrograms.step(interpreter, StepObjective(evaded: [squeezer], evasion: form))
    let wanted = Set(graph.inputs.map { graph.name(ofInput: $0) })
    let losses = try #require(try graph.evaluate(inputs.filter { wanted.contains($0.key) })["evasionLoss"]).doubles
    for image in 0..<2 {
      let entropy: Double = zip(own[image], other[image]).reduce(0) { $0 - $1.0 * log($1.1) }
      let weight: Double = ["bits3": 40, "median2": 9, "median3": 3][name] ?? 12
      let expected =
        form == .code
        ? weight * max(distances[image] - margin, 0)
        : (isBits ? distances[image] : 0) + (!isBits || form == .both ? entropy : 0)
      #expect(abs(losses[image] - expected) < 1e-4 * max(expected, 1), "\(losses[image]) \(expected)")
    }
  }

  @Test func `what is found in squeezed space is squeezed, within reach of an image within eps, and nearer to the target`()
    throws
  {
    let runner = ReferenceRunner([try AttackPrograms.map(interpreter), try AttackPrograms.pgdStep(interpreter)])
    let measurer = ProgramMeasurer(runner, mapShape: interpreter.mapShape)
    let batch = AttackBatch(seeds: [1, 2], targets: [4, 0])
    let settings = AttackSettings(method: .adv2, threat: ThreatModel(eps: 0.06))
    var run = AttackRun(
      AttackDriver(runner, measurer: measurer, settings: settings), runner, batch, maps: [], observer: AttackObserver(),
      stopsEarly: false)
    var steps = 0
    let found = try run.squeezedSearch(bits: 3) { steps += 1 }
    #expect(steps == 400 && run.sweeps.forward == 400 && run.sweeps.backward == 400)
    let origin = pixels(batch.levels)
    for (u, x) in zip(found, origin) {
      #expect(abs(u * 7 - (u * 7).rounded()) < 1e-5)
      // Some pixel within eps of x rounds to u.
      #expect(abs(u - x) <= 0.06 + 0.5 / 7 + 1e-6)
    }
    let start = Squeezer.bits(3).squeezed(batch.levels, shape: batch.shape)
    let (before, after) = (try probabilities(start), try probabilities(found))
    for (image, target) in batch.targets.enumerated() { #expect(after[image][target] > before[image][target]) }
  }

  /// Non-local means are held to move with x, which is what the derivative of the identity means.
  @Test(arguments: [
    ("median2", EvasionForm.direct), ("median3", .direct), ("nlm", .direct), ("bits3", .paper), ("bits3", .code),
    ("median3", .code), ("nlm", .code),
  ])
  func `the step goes against the gradient through the squeezer`(name: String, form: EvasionForm) throws {
    let squeezer = try #require(Squeezer(name: name))
    let graph = try AttackPrograms.step(interpreter, StepObjective(evaded: [squeezer], evasion: form))
    try graph.verify()
    var random = Random(seed: 8)
    let x = random.tensor([2, 3, 12, 12], in: 0.2...0.8)
    let squeezed = random.tensor([2, 3, 12, 12], in: 0.2...0.8)
    let weight = 30.0
    func run(_ offset: Double, at pixel: Int) throws -> [String: HostTensor] {
      func moved(_ tensor: HostTensor) -> HostTensor {
        var elements = tensor.doubles
        elements[pixel] += offset
        return HostTensor(TensorType(.float32, tensor.shape), .double(elements))
      }
      var inputs: [String: HostTensor] = [
        "x": moved(x), "origin": x, "target": HostTensor([2], [4, 0] as [Int64]), "alpha": .scalar(1e-3),
        "eps": .scalar(0.5),
        "mapTarget": HostTensor([2, 6, 6], [Float](repeating: 0.5, count: 72)), "coefficient": .scalar(0),
        "evasionWeight": .scalar(weight),
      ]
      if squeezer == .nonLocalMeans { inputs["squeezed.nlm"] = moved(squeezed) }
      if form != .direct, name == "bits3" {
        inputs["squeezedTarget.bits3"] = HostTensor([2, 5], [0.7, 0.1, 0.1, 0.1, 0, 0, 0.1, 0.1, 0.1, 0.7] as [Float])
      }
      if form == .code { inputs["margin.\(name)"] = .scalar(0) }
      return try graph.evaluate(inputs)
    }
    func loss(_ outputs: [String: HostTensor]) throws -> Double {
      let entropy = try #require(outputs["crossEntropy"]).doubles
      let evasion = try #require(outputs["evasionLoss"]).doubles
      return zip(entropy, evasion).reduce(0) { $0 + $1.0 + weight * $1.1 }
    }
    let next = try #require(try run(0, at: 0)["next"]).doubles
    let start = x.doubles
    var compared = 0
    for pixel in stride(from: 0, to: start.count, by: 23) {
      let slope: Double = (try loss(try run(1e-6, at: pixel)) - loss(try run(-1e-6, at: pixel))) / 2e-6
      guard abs(slope) > 1e-5 else { continue }
      compared += 1
      #expect(abs(next[pixel] - start[pixel] + 1e-3 * (slope > 0 ? 1 : -1)) < 1e-9, "pixel \(pixel), slope \(slope)")
    }
    #expect(compared > 15)
  }

  @Test(arguments: [Squeezer.bits(3), .nonLocalMeans])
  func `steps against CAM and MASK are the same where squeezers outweigh all else`(squeezer: Squeezer) throws {
    let objective = StepObjective(evaded: [squeezer])
    let mask = try MaskInterpreter(
      try Interpreters.Classifier(try PooledClassifier.softmax.graph(batch: 2, smooth: true)))
    var random = Random(seed: 8)
    let x = random.tensor([2, 3, 12, 12], in: 0.2...0.8)
    let inputs: [String: HostTensor] = [
      "x": x, "origin": x, "target": HostTensor([2], [4, 0] as [Int64]), "alpha": .scalar(1e-3), "eps": .scalar(0.5),
      "mapTarget": HostTensor([2, 6, 6], [Float](repeating: 0.5, count: 72)), "coefficient": .scalar(0),
      "evasionWeight": .scalar(1e9), "squeezed.nlm": random.tensor([2, 3, 12, 12], in: 0.2...0.8),
    ]
    func next(_ graph: Graph) throws -> [Double] {
      let wanted = Set(graph.inputs.map { graph.name(ofInput: $0) })
      return try #require(try graph.evaluate(inputs.filter { wanted.contains($0.key) })["next"]).doubles
    }
    let steps = try next(try MaskPrograms.signStep(mask, objective))
    #expect(try steps == next(try AttackPrograms.step(interpreter, objective)))
    #expect(try steps != next(try MaskPrograms.signStep(mask)))
  }
}
