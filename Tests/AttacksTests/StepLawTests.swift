import Attacks
import Autodiff
import IR
import Interpreters
import Operators
import Passes
import SampleNetworks
import TensorTypes
import Testing

/// The step of ADV² against every interpreter, on a network without kinks, where surrogates have no part.
@Suite struct StepLawTests {
  enum Choice: String, CaseIterable, Sendable {
    case cam, grad, gradCAM, gradCAMOfStem, gradientTimesInput, guidedBackpropagation, deepLIFT, relevance, several

    func interpreter(_ classifier: Classifier) throws -> any Interpreter {
      switch self {
      case .cam: try ClassActivationMap(classifier)
      case .grad: GradientMap(classifier)
      case .gradientTimesInput: GradientTimesInput(classifier)
      case .guidedBackpropagation: GuidedBackpropagation(classifier)
      case .deepLIFT: DeepLIFT(classifier, baseline: 0.3)
      case .relevance: LayerwiseRelevance(classifier)
      case .several:
        try CombinedInterpreter(
          [
            try ClassActivationMap(classifier), GradientMap(classifier),
            try GradientClassActivationMap(classifier, layer: .node("stem"), weights: .differentiated),
          ], weights: [1, 2, 0.5])
      case .gradCAM: try GradientClassActivationMap(classifier)
      case .gradCAMOfStem: try GradientClassActivationMap(classifier, layer: .node("stem"), weights: .differentiated)
      }
    }
  }

  private func prepared(_ interpreter: any Interpreter) throws -> any Interpreter {
    var interpreter = interpreter
    interpreter.network = try Pipeline.prepare(interpreter.network)
    return interpreter
  }

  private func classifier() throws -> Classifier {
    try Classifier(try PooledClassifier.generalProduct.graph(batch: 1) { try $0.elementwise(.hyperbolicTangent, $1) })
  }

  private func inputs(_ interpreter: any Interpreter, coefficient: Double) -> [String: HostTensor] {
    var random = Random(seed: 8)
    let x = random.tensor([1, 3, 12, 12], in: 0.2...0.8)
    return [
      "x": x, "origin": x, "target": HostTensor([1], [0] as [Int64]), "alpha": .scalar(1e-3), "eps": .scalar(0.5),
      "mapTarget": random.tensor(interpreter.mapShape, in: 0...1), "coefficient": .scalar(coefficient),
    ]
  }

  /// Against central differences of the losses that the step reports.
  @Test(arguments: Choice.allCases)
  func `the step goes against the gradient of its own losses`(choice: Choice) throws {
    let interpreter = try prepared(try choice.interpreter(try classifier()))
    let graph = try AttackPrograms.step(interpreter, StepObjective(mapReduction: .sum))
    let coefficient = 20.0
    let inputs = inputs(interpreter, coefficient: coefficient)
    let x = try #require(inputs["x"])
    let next = try #require(try graph.evaluate(inputs)["next"]).doubles
    let start = x.doubles
    var compared = 0
    var ofTheMap = 0
    for pixel in stride(from: 0, to: start.count, by: 17) {
      let losses = try [1e-6, -1e-6].map { change in
        var inputs = inputs
        var moved = start
        moved[pixel] += change
        inputs["x"] = HostTensor(x.type, .double(moved))
        let outputs = try graph.evaluate(inputs)
        return (try #require(outputs["crossEntropy"]).doubles[0], try #require(outputs["mapLoss"]).doubles[0])
      }
      let entropySlope = (losses[0].0 - losses[1].0) / 2e-6
      let slope = entropySlope + coefficient * (losses[0].1 - losses[1].1) / 2e-6
      guard abs(slope) > 1e-4 else { continue }
      compared += 1
      ofTheMap += slope * entropySlope < 0 ? 1 : 0
      #expect(abs(next[pixel] - start[pixel] + 1e-3 * (slope > 0 ? 1 : -1)) < 1e-9, "pixel \(pixel), slope \(slope)")
    }
    #expect(compared > 15 && ofTheMap > 0)
  }

  /// One step with them all, whose loss is the sum of theirs.
  @Test func `the loss of several interpreters is the weighted sum of each one's own, and so are their maps`() throws {
    let classifier = try classifier()
    let parts: [any Interpreter] = [try ClassActivationMap(classifier), GradientMap(classifier)]
    let combined = try prepared(try CombinedInterpreter(parts, weights: [3, 0.25]))
    #expect(combined.mapShape == [1, 24, 12] && combined.sweeps == SweepCounts(backward: 1, secondOrder: 1))
    var inputs = inputs(combined, coefficient: 1)
    let target = try #require(inputs["mapTarget"]).doubles
    // CAM has 6 x 6 places, which are those of the first 12 x 12, each four times.
    var small = [Double](repeating: 0, count: 36)
    var repeated = [Double](repeating: 0, count: 144)
    for place in 0..<144 {
      let (row, column): (Int, Int) = (place / 12 / 2, place % 12 / 2)
      if place / 12 % 2 == 0, place % 2 == 0 { small[row * 6 + column] = target[place] }
      repeated[place] = small[row * 6 + column]
    }
    let own: [[Double]] = [small, Array(target[144...])]
    inputs["mapTarget"] = HostTensor(TensorType(.float32, [1, 24, 12]), .double(repeated + own[1]))
    let loss = try #require(try AttackPrograms.step(combined).evaluate(inputs)["mapLoss"]).doubles[0]
    var expected = 0.0
    for (index, (part, weight)) in zip(parts, [3, 0.25]).enumerated() {
      let interpreter = try prepared(part)
      inputs["mapTarget"] = HostTensor(TensorType(.float32, interpreter.mapShape), .double(own[index]))
      let alone = try #require(try AttackPrograms.step(interpreter).evaluate(inputs)["mapLoss"]).doubles[0]
      expected += weight * alone
    }
    #expect(abs(loss - expected) < 1e-9 && expected > 0.01)
  }

  /// The gradients of the logits with respect to pooled features are numbers.
  @Test func `on pooled features the channel weights are constant either way`() throws {
    let results = try GradientClassActivationMap.Weights.allCases.map { weights in
      let interpreter = try prepared(try GradientClassActivationMap(try classifier(), weights: weights))
      return try #require(
        try AttackPrograms.step(interpreter).evaluate(inputs(interpreter, coefficient: 50))["next"])
    }
    let agree = results[0] == results[1]
    #expect(agree)
  }

  @Test func `constant channel weights have another gradient than differentiated ones, and the same map`() throws {
    let outputs = try GradientClassActivationMap.Weights.allCases.map { weights in
      let interpreter = try prepared(
        try GradientClassActivationMap(try classifier(), layer: .node("stem"), weights: weights))
      return try AttackPrograms.step(interpreter).evaluate(inputs(interpreter, coefficient: 50))
    }
    #expect(outputs[0]["mapLoss"] == outputs[1]["mapLoss"])
    let differ = outputs[0]["next"] != outputs[1]["next"]
    #expect(differ)
  }
}
