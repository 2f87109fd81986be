import IR
import Operators
import TensorTypes

/// A graph with a point to evaluate it at.
public struct SampleGraph: Sendable {
  public let graph: Graph
  public let inputs: [HostTensor]

  public init(graph: Graph, inputs: [HostTensor]) {
    self.graph = graph
    self.inputs = inputs
  }
}

/// Random graphs of layers and shape operations, the same for a seed in every run.
public enum RandomGraphs {
  /// - Parameter steps: how many layers are appended; values stay of moderate size.
  public static func graph(seed: UInt64, steps: Int = 14) throws -> SampleGraph {
    var layers = RandomLayers(seed: seed)
    var values = [layers.image, layers.vector]
    for _ in 0..<steps {
      let value = values[Int.random(in: max(0, values.count - 4)..<values.count, using: &layers.generator)]
      values.append(try layers.append(to: value))
    }
    var outputs = [("y", values[values.count - 1])]
    if Bool.random(using: &layers.generator) { outputs.append(("early", values[values.count / 2])) }
    let graph = layers.builder.finish(name: "random\(seed)", outputs: outputs)
    try graph.verify()
    return SampleGraph(
      graph: graph, inputs: graph.inputs.map { layers.generator.tensor(graph[$0].type.shape, graph[$0].type.element) })
  }
}

private struct RandomLayers {
  let builder = GraphBuilder()
  var generator: SeededGenerator
  let image: Value
  let vector: Value
  private var count = 0

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed &* 7919 &+ 5)
    image = builder.input("image", TensorType(.float32, [2, 4, 6, 6]))
    vector = builder.input("vector", TensorType(.float32, [4]))
  }

  private mutating func choose<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &generator)]
  }

  private mutating func constant(_ shape: Shape, in range: ClosedRange<Double> = -1...1) -> Value {
    builder.constant(generator.tensor(shape, in: range), name: "w")
  }

  mutating func append(to x: Value) throws -> Value {
    count += 1
    builder.location = Location(node: "layer\(count)")
    let shape = builder.shape(of: x)
    let isImage = shape.rank == 4 && min(shape[2], shape[3]) > 1
    if isImage, Int.random(in: 0..<3, using: &generator) > 0 { return try appendLayer(to: x, shape) }
    return Bool.random(using: &generator) ? try appendShape(to: x, shape) : try appendElementwise(to: x, shape)
  }

  private mutating func appendLayer(to x: Value, _ shape: Shape) throws -> Value {
    let channels = shape[1]
    switch Int.random(in: 0..<8, using: &generator) {
    case 0, 1:
      let filters = choose([channels, 3])
      let kernel = choose([1, 2])
      let pad = choose([0, 1])
      let y = try builder.convolution(
        x, constant([filters, channels, kernel, kernel], in: -0.4...0.4), strides: [1, 1], padsLow: [pad, pad],
        padsHigh: [0, 0], dilations: [1, 1], groups: 1)
      return Bool.random(using: &generator) ? y : try builder.addChannelBias(y, constant([filters]))
    case 2:
      return try builder.convolution(
        x, constant([channels, 1, 2, 2], in: -0.5...0.5), strides: [1, 1], padsLow: [1, 0], padsHigh: [0, 1],
        dilations: [1, 1], groups: channels)
    case 3, 4:
      return try builder.batchNormalization(
        x, scale: constant([channels], in: 0.3...1.4), bias: constant([channels]), mean: constant([channels]),
        variance: constant([channels], in: 0.3...2), epsilon: 1e-3)
    case 5:
      return try builder.maxPool(
        x, Window(kernel: [2, 2], strides: [1, 1], pads: [1, 0], dilations: [1, 1], extents: [shape[2], shape[3] - 1]))
    case 6:
      let window = Window(
        kernel: Array(shape.extents[2...]), strides: [1, 1], pads: [0, 0], dilations: [1, 1], extents: [1, 1])
      return try builder.averagePool(x, window, countingPadding: false, padsHigh: [0, 0])
    default:
      return try builder.append(
        Pad(low: [0, 0, 1, 0], high: [0, 0, 0, 1], interior: [0, 0, 0, 0]), [x])
    }
  }

  private mutating func appendElementwise(to x: Value, _ shape: Shape) throws -> Value {
    switch Int.random(in: 0..<14, using: &generator) {
    case 0: return try builder.elementwise(.relu, x)
    case 1: return try builder.append(Elementwise(.relu, declaring: .smoothed), [x])
    case 2: return try builder.elementwise(.hyperbolicTangent, x)
    case 3: return try builder.elementwise(.sigmoid, x)
    case 4: return try builder.clip(x, -0.8, 0.9)
    case 5: return try builder.elementwise(.negate, x)
    case 6: return try builder.multiply(x, choose([1, -1, 0.5, 1.25]))
    case 7: return try builder.add(x, choose([0, 0.3]))
    case 8: return try builder.subtract(builder.scalar(choose([0, 1]), like: x), x)
    case 9: return try builder.multiply(x, try builder.elementwise(.stopGradient, try builder.elementwise(.sigmoid, x)))
    case 10:
      let square = try builder.elementwise(.power, x, builder.scalar(2, like: x))
      return try builder.divide(x, try builder.add(square, 1))
    case 11:
      let condition = try builder.elementwise(.less, x, builder.scalar(0.1, like: x))
      let complement = try builder.elementwise(.logicalNot, condition)
      return try builder.elementwise(.select, complement, x, try builder.multiply(x, 0.1))
    case 12:
      return try builder.subtract(x, try builder.elementwise(.negate, try builder.elementwise(.sine, x)))
    default: return try builder.add(try builder.elementwise(.negate, x), try builder.elementwise(.cosine, x))
    }
  }

  private mutating func appendShape(to x: Value, _ shape: Shape) throws -> Value {
    guard shape.rank > 0, shape.elementCount > 1 else {
      return try builder.append(Broadcast(shape: Shape([2, 3] + shape.extents), axes: Array(2..<2 + shape.rank)), [x])
    }
    let axis = Int.random(in: 0..<shape.rank, using: &generator)
    switch Int.random(in: 0..<11, using: &generator) {
    case 0: return try builder.permute(x, Array(0..<shape.rank).shuffled(using: &generator))
    case 1: return try builder.reshape(x, [shape.extents[..<axis].reduce(1, *), shape.extents[axis...].reduce(1, *)])
    case 2:
      var extents = shape.extents
      extents.insert(1, at: axis)
      return try builder.reshape(x, Shape(extents))
    case 3: return try builder.subtract(x, try builder.mean(x, axes: [axis], keepAxes: true))
    case 4: return try builder.sum(x, axes: [axis], keepAxes: Bool.random(using: &generator))
    case 5: return try builder.slice(x, axis: axis, from: shape[axis] / 3, to: shape[axis] - shape[axis] / 4)
    case 6: return try builder.append(Concatenate(axis: axis), [x, try builder.elementwise(.relu, x)])
    case 7: return try builder.softmax(x, axes: [axis])
    case 8:
      let twice = try builder.append(Concatenate(axis: axis), [x, x])
      return try builder.slice(twice, axis: axis, from: 0, to: shape[axis])
    case 9:
      let indices = (0..<Int64(shape[axis])).filter { $0 % 2 == 0 }
      return try builder.append(
        Gather(axis: axis), [x, builder.constant(HostTensor([indices.count], indices), name: "indices")])
    default:
      let weights = constant([shape[shape.rank - 1], 3], in: -0.6...0.6)
      return try builder.matrixMultiply(x, weights)
    }
  }
}
