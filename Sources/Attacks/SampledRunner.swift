import Foundation
import Interpreters
import TensorTypes

/// The images at which gradients are averaged: scale · x + offset.
public struct GradientSamples {
  let samples: [(scale: Double, offset: HostTensor)]

  /// - Parameter offsets: each f32[C, H, W].
  public init(_ samples: [(scale: Double, offset: HostTensor)]) { self.samples = samples }

  /// What is added to the image in each sample, [C, H, W].
  public var offsets: [[Double]] { samples.map(\.offset.doubles) }

  /// Midpoints of `count` equal parts of the way from a baseline to x (the midpoint rule).
  /// - Parameter imageShape: [B, C, H, W]
  public static func between(baseline: Baseline, count: Int, imageShape: Shape) -> GradientSamples {
    let shape = Shape(Array(imageShape.extents.dropFirst()))
    let pixels = baseline.pixels(shape)
    return GradientSamples(
      (0..<count).map { k in
        let scale = (Double(k) + 0.5) / Double(count)
        return (scale, HostTensor(TensorType(.float32, shape), .double(pixels.map { (1 - scale) * $0 })))
      })
  }

  /// x with Gaussian noise, the same for every image, which the seed decides: the maps of two images differ by the images
  /// alone. Memory: `count` images.
  /// - Parameters:
  ///   - deviation: of the noise, where pixels are in [0, 1].
  ///   - imageShape: [B, C, H, W]
  public static func noisy(deviation: Double, count: Int, seed: UInt64, imageShape: Shape) -> GradientSamples {
    let shape = Shape(Array(imageShape.extents.dropFirst()))
    let random = KeyedRandom(seed: seed)
    return GradientSamples(
      (0..<count).map { k in
        let noise: [Float] = (0..<shape.elementCount).map { index in
          // Box and Muller 1958
          let draw = KeyedRandom.firstDrawOfNoise + 2 * index
          let radius = (-2 * log(1 - random.unit(image: UInt64(k), draw: draw))).squareRoot()
          return Float(deviation * radius * cos(2 * .pi * random.unit(image: UInt64(k), draw: draw + 1)))
        }
        return (1, HostTensor(shape, noise))
      })
  }
}

/// Runs `map`, `step` and `flowMapStep` of an interpreter that averages gradients over samples, sample by sample; other graphs
/// as they are.
///
/// Cost: a map takes a forward and a backward sweep for each sample, a step two of each and one of second order.
public struct SampledRunner: GraphRunner {
  private let runner: any GraphRunner
  private let samples: [[String: HostTensor]]

  public init(_ runner: any GraphRunner, _ samples: GradientSamples) {
    self.runner = runner
    let weight = 1 / Double(samples.samples.count)
    self.samples = samples.samples.map {
      ["scale": .scalar($0.scale), "offset": $0.offset, "weight": .scalar(weight)]
    }
  }

  public func run(_ graph: String, _ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
    switch graph {
    case AttackPrograms.mapName:
      let total = try accumulated(SampledPrograms.sampleName, "total", inputs)
      return try runner.run(graph, inputs.merging(total) { given, _ in given })
    case AttackPrograms.stepName, FlowPrograms.mapStepName: return try step(graph, inputs)
    default: return try runner.run(graph, inputs)
    }
  }

  private func step(_ graph: String, _ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
    var inputs = inputs
    let mapTarget = inputs.removeValue(forKey: "mapTarget")
    let coefficient = inputs.removeValue(forKey: "coefficient")
    var sampled: [String: HostTensor] = [:]
    sampled["x"] = inputs["x"]
    sampled["class"] = inputs["target"]
    let total = try accumulated(SampledPrograms.stepSampleName, "total", sampled)
    var mapInputs = total
    mapInputs["x"] = inputs["x"]
    mapInputs["mapTarget"] = mapTarget
    mapInputs["coefficient"] = coefficient
    let loss = try runner.run(SampledPrograms.mapGradientName, mapInputs)
    sampled["cotangent"] = loss["cotangent"]
    let gradient = try accumulated(SampledPrograms.samplePullName, "gradient", sampled, from: loss["gradient"])
    var outputs = try runner.run(graph, inputs.merging(gradient) { given, _ in given })
    outputs["mapLoss"] = loss["mapLoss"]
    return outputs
  }

  /// What a graph adds up over the samples, by its name.
  private func accumulated(_ graph: String, _ name: String, _ inputs: [String: HostTensor], from start: HostTensor? = nil)
    throws -> [String: HostTensor]
  {
    guard let x = inputs["x"] else { throw AttackError.missingOutput(graph: graph, name: "x") }
    var sum = start ?? HostTensor(x.shape, [Float](repeating: 0, count: x.shape.elementCount))
    for sample in samples {
      let outputs = try runner.run(graph, inputs.merging(sample) { given, _ in given }.merging([name: sum]) { $1 })
      guard let next = outputs[name] else { throw AttackError.missingOutput(graph: graph, name: name) }
      sum = next
    }
    return [name: sum]
  }
}
