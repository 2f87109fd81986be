import Attacks
import IR
import Interpreters
import Operators
import Passes
import SampleNetworks
import TensorTypes
import Testing

/// Integrated gradients and SmoothGrad, sample by sample, with the reference evaluator.
@Suite struct SampledGradientTests {
  private static let imageShape: Shape = [1, 3, 12, 12]

  private func interpreter(_ form: SampledGradient.Form) throws -> SampledGradient {
    let model = try PooledClassifier.generalProduct.graph(batch: 1) { try $0.elementwise(.hyperbolicTangent, $1) }
    var interpreter = SampledGradient(try Classifier(model), form)
    interpreter.network = try Pipeline.prepare(interpreter.network)
    return interpreter
  }

  private func runner(_ interpreter: SampledGradient, _ samples: GradientSamples) throws -> SampledRunner {
    SampledRunner(
      ReferenceRunner([
        try SampledPrograms.sample(interpreter), try SampledPrograms.map(interpreter),
        try SampledPrograms.stepSample(interpreter), try SampledPrograms.mapGradient(interpreter, objective),
        try SampledPrograms.samplePull(interpreter), try SampledPrograms.step(interpreter, objective),
      ]), samples)
  }

  private let objective = StepObjective(mapReduction: .sum)

  private var image: HostTensor {
    var random = Random(seed: 8)
    return random.tensor(Self.imageShape, in: 0.2...0.8)
  }

  @Test(arguments: [0.5, Baseline([0.1, 0.5, 0.7])])
  func `integrated gradients share out the change of the probability`(colour: Baseline) throws {
    let interpreter = try interpreter(.integrated(baseline: colour))
    let one = HostTensor(image.type, .double(colour.pixels([3, 12, 12])))
    var errors: [Double] = []
    for count in [4, 256] {
      let runner = try runner(
        interpreter, .between(baseline: colour, count: count, imageShape: Self.imageShape))
      let classes = HostTensor([1], [2] as [Int64])
      let outputs = try runner.run("map", ["x": image, "class": classes])
      let baseline = try runner.run("map", ["x": one, "class": classes])
      let change = try #require(outputs["probabilities"]).doubles[2] - #require(baseline["probabilities"]).doubles[2]
      let sum = try #require(outputs["sum"]).doubles[0]
      #expect(abs(change) > 1e-3)
      errors.append(abs(sum - change) / abs(change))
      #expect(try #require(baseline["sum"]).doubles[0] == 0)
    }
    #expect(errors[1] < 1e-5 && errors[1] < errors[0] / 100, "\(errors)")
  }

  @Test func `SmoothGrad without noise is the gradient of the logit`() throws {
    let smooth = try interpreter(.smooth)
    let runner = try runner(smooth, .noisy(deviation: 0, count: 3, seed: 1, imageShape: Self.imageShape))
    let classes = HostTensor([1], [2] as [Int64])
    let found = try #require(try runner.run("map", ["x": image, "class": classes])["map"]).doubles
    let builder = GraphBuilder(continuing: smooth.network)
    let values = builder.constant(classes)
    let gradient = try smooth.appendGradient(
      at: builder.inputs[0], ofClasses: values, derivative: .plain, to: builder)
    let map = try smooth.appendMap(of: gradient, to: builder)
    let expected = try #require(
      try builder.finish(name: "gradient", outputs: [("map", map.normalised)]).evaluate(["x": image])["map"]
    ).doubles
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-9 } && expected.max() == 1)
  }

  @Test func `the seed decides the noise`() throws {
    let smooth = try interpreter(.smooth)
    let maps = try [UInt64(1), 1, 2].map { seed in
      let samples = GradientSamples.noisy(deviation: 0.15, count: 2, seed: seed, imageShape: Self.imageShape)
      return try #require(
        try runner(smooth, samples).run("map", ["x": image, "class": HostTensor([1], [2] as [Int64])])["map"])
    }
    let same = maps[0] == maps[1]
    let other = maps[0] == maps[2]
    #expect(same && !other)
  }

  /// Against central differences of the losses that the step reports.
  @Test(arguments: [SampledGradient.Form.integrated(baseline: 0.1), .smooth])
  func `the step goes against the gradient of its own losses`(form: SampledGradient.Form) throws {
    let interpreter = try interpreter(form)
    let samples =
      form == .smooth
      ? GradientSamples.noisy(deviation: 0.15, count: 3, seed: 4, imageShape: Self.imageShape)
      : .between(baseline: 0.1, count: 3, imageShape: Self.imageShape)
    let runner = try runner(interpreter, samples)
    let coefficient = 20.0
    var random = Random(seed: 9)
    let inputs: [String: HostTensor] = [
      "x": image, "origin": image, "target": HostTensor([1], [0] as [Int64]), "alpha": .scalar(1e-3), "eps": .scalar(0.5),
      "mapTarget": random.tensor(interpreter.mapShape, in: 0...1), "coefficient": .scalar(coefficient),
    ]
    let start = image.doubles
    let next = try #require(try runner.run("step", inputs)["next"]).doubles
    var ofTheMap = 0
    for pixel in stride(from: 0, to: start.count, by: 31) {
      let losses = try [1e-6, -1e-6].map { change in
        var inputs = inputs
        var moved = start
        moved[pixel] += change
        inputs["x"] = HostTensor(image.type, .double(moved))
        let outputs = try runner.run("step", inputs)
        return (try #require(outputs["crossEntropy"]).doubles[0], try #require(outputs["mapLoss"]).doubles[0])
      }
      let entropySlope = (losses[0].0 - losses[1].0) / 2e-6
      let slope = entropySlope + coefficient * (losses[0].1 - losses[1].1) / 2e-6
      guard abs(slope) > 1e-4 else { continue }
      ofTheMap += slope * entropySlope < 0 ? 1 : 0
      #expect(abs(next[pixel] - start[pixel] + 1e-3 * (slope > 0 ? 1 : -1)) < 1e-9, "pixel \(pixel), slope \(slope)")
    }
    #expect(ofTheMap > 0)
  }
}
