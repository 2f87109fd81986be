import Attacks
import Autodiff
import IR
import Interpreters
import Operators
import SampleNetworks
import TensorTypes
import Testing

@Suite struct AttackProgramsTests {
  private func interpreter(batch: Int, smooth: Bool = false) throws -> ClassActivationMap {
    try ClassActivationMap(try Classifier(try PooledClassifier.softmax.graph(batch: batch, smooth: smooth)))
  }

  /// Σ_b loss as a function of x, by the outputs that the step itself reports.
  private func objective(_ graph: Graph, _ inputs: [String: HostTensor], _ x: [Double], _ coefficient: Double) throws
    -> Double
  {
    var inputs = inputs
    let type = TensorType(.float32, [1, 3, 12, 12])
    inputs["x"] = HostTensor(type, .double(x))
    let outputs = try graph.evaluate(inputs)
    return outputs["crossEntropy"]!.doubles[0] + coefficient * (outputs["mapLoss"]?.doubles[0] ?? 0)
  }

  /// The step moves by alpha against the sign of the derivative, which central differences give.
  @Test(arguments: [AttackPrograms.pgdStepName, AttackPrograms.stepName])
  func `a step goes against the gradient of its own losses`(program: String) throws {
    let interpreter = try interpreter(batch: 1, smooth: true)
    let graph =
      program == AttackPrograms.stepName
      ? try AttackPrograms.step(interpreter) : try AttackPrograms.pgdStep(interpreter)
    try graph.verify()
    var random = Random(seed: 8)
    let x = random.tensor([1, 3, 12, 12], in: 0.2...0.8)
    let coefficient = program == AttackPrograms.stepName ? 7.0 : 0
    var inputs: [String: HostTensor] = [
      "x": x, "origin": x, "target": HostTensor([1], [3] as [Int64]), "alpha": .scalar(1e-3), "eps": .scalar(0.5),
    ]
    if program == AttackPrograms.stepName {
      inputs["mapTarget"] = random.tensor([1, 6, 6], in: 0...1)
      inputs["coefficient"] = .scalar(coefficient)
    }
    let next = try #require(try graph.evaluate(inputs)["next"]).doubles
    let start = x.doubles
    var compared = 0
    for pixel in stride(from: 0, to: start.count, by: 17) {
      var above = start
      var below = start
      above[pixel] += 1e-5
      below[pixel] -= 1e-5
      let slope = (try objective(graph, inputs, above, coefficient) - objective(graph, inputs, below, coefficient)) / 2e-5
      guard abs(slope) > 1e-6 else { continue }
      compared += 1
      #expect(abs(next[pixel] - start[pixel] + 1e-3 * (slope > 0 ? 1 : -1)) < 1e-9, "pixel \(pixel), slope \(slope)")
    }
    #expect(compared > 15)
  }

  @Test func `a vanishing gradient moves nothing`() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", TensorType(.float32, [1, 3, 4, 4]))
    // Features that are cut off: relu(x − 2) is zero on all of [0, 1].
    let features = try builder.elementwise(.relu, try builder.add(image, -2))
    let scores = try builder.matrixMultiply(
      try builder.mean(features, axes: [2, 3]), builder.constant(HostTensor([3, 2], [1, 2, 3, 4, 5, 6] as [Float])))
    let interpreter = try ClassActivationMap(try Classifier(builder.finish(name: "dead", outputs: [("scores", scores)])))
    var random = Random(seed: 9)
    let x = random.tensor([1, 3, 4, 4], in: 0...1)
    let outputs = try AttackPrograms.pgdStep(interpreter).evaluate([
      "x": x, "origin": x, "target": HostTensor([1], [1] as [Int64]), "alpha": .scalar(0.1), "eps": .scalar(0.5),
    ])
    #expect(outputs["next"]?.doubles == x.doubles)
  }

  @Test func `no image of a batch influences another`() throws {
    let pair = try interpreter(batch: 2)
    let alone = try interpreter(batch: 1)
    var random = Random(seed: 10)
    let first = random.tensor([1, 3, 12, 12], in: 0...1).floats
    let step = try AttackPrograms.step(pair)
    let single = try AttackPrograms.step(alone)
    let map = random.tensor([1, 6, 6], in: 0...1).floats
    let scalars: [String: HostTensor] = ["alpha": .scalar(0.01), "eps": .scalar(0.03), "coefficient": .scalar(5)]
    let expected = try single.evaluate(
      scalars.merging([
        "x": HostTensor([1, 3, 12, 12], first), "origin": HostTensor([1, 3, 12, 12], first),
        "target": HostTensor([1], [1] as [Int64]), "mapTarget": HostTensor([1, 6, 6], map),
      ]) { $1 })
    for mate in 0..<3 {
      var other = Random(seed: UInt64(20 + mate))
      let x = HostTensor([2, 3, 12, 12], first + other.tensor([1, 3, 12, 12], in: 0...1).floats)
      let outputs = try step.evaluate(
        scalars.merging([
          "x": x, "origin": x, "target": HostTensor([2], [1, Int64(mate)]),
          "mapTarget": HostTensor([2, 6, 6], map + other.tensor([1, 6, 6], in: 0...1).floats),
        ]) { $1 })
      for name in ["next", "crossEntropy", "mapLoss"] {
        let own = try #require(expected[name]).doubles
        #expect(try #require(outputs[name]).doubles.prefix(own.count).elementsEqual(own), "\(name)")
      }
    }
  }
}
