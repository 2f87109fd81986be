import Attacks
import Foundation
import IR
import Interpreters
import Operators
import SampleNetworks
import TensorTypes
import Testing

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

  /// Non-local means are held to move with x, which is what the derivative of the identity means.
  @Test(arguments: ["median2", "median3", "nlm"])
  func `the step goes against the gradient through the squeezer`(name: String) throws {
    let squeezer = try #require(Squeezer(name: name))
    let graph = try AttackPrograms.step(interpreter, StepObjective(evaded: [squeezer]))
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
}
