import IR
import Operators
import TensorTypes
import TestSupport

/// A convolution of awkward shapes with what stands before, behind and beside it: everything that one case of the family
/// depends on, so that a failing case can shrink.
struct AwkwardRegion: Sendable, Hashable {
  /// How the convolution's source is stored.
  enum Source: Sendable, Hashable, CaseIterable {
    /// A graph input, row-major.
    case input
    /// The result of another kernel.
    case stored
    case permuted, reshaped, concatenated
  }

  /// Elementwise steps behind the convolution, in this order.
  enum Epilogue: Sendable, Hashable, CaseIterable {
    case bias, residual, relu
    /// Times a step function, and times h, of another value.
    case mask, smoothedStep
  }

  /// What reads the result; each would notice lanes behind the last channel that are not what they should be.
  enum Consumer: Sendable, Hashable, CaseIterable {
    case output, sigmoid, maximumPool, averagePool, concatenation, channelSum, channelMaximum, spatialMean, convolution,
      product, permutation, slice
  }

  var solving: Convolution.Role
  var batch: Int
  var groups: Int
  /// Channels of one group, of the input and of the output.
  var inputChannels: Int
  var outputChannels: Int
  var size: [Int]
  var kernel: [Int]
  var strides: [Int]
  var dilations: [Int]
  var padsLow: [Int]
  var padsHigh: [Int]
  var isFilterConstant: Bool
  var source: Source
  var epilogue: [Epilogue]
  /// Whether the masks and the residual are results of other kernels, rather than graph inputs.
  var areCompanionsStored: Bool
  /// Whether the value ahead of the ReLU has a second user.
  var isReadTwice: Bool
  var consumer: Consumer

  var input: Shape { Shape([batch, groups * inputChannels] + size) }
  var filter: Shape { Shape([groups * outputChannels, inputChannels] + kernel) }
  var output: Shape {
    Shape(
      [batch, groups * outputChannels]
        + size.indices.map { axis in
          let reach = size[axis] + padsLow[axis] + padsHigh[axis] - (kernel[axis] - 1) * dilations[axis] - 1
          return reach < 0 ? 0 : reach / strides[axis] + 1
        })
  }

  var isValid: Bool {
    output.extents.allSatisfy { $0 > 0 } && output.elementCount * inputChannels * kernel[0] * kernel[1] <= 1 << 18
  }

  // MARK: Drawing

  /// The region of a seed: the same in every run.
  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    repeat { self.init(from: &generator) } while !isValid
  }

  private init(from generator: inout SeededGenerator) {
    func choose<Element>(_ elements: [Element]) -> Element { elements[Int(generator.next() % UInt64(elements.count))] }
    func pair(_ elements: [Int]) -> [Int] { [choose(elements), choose(elements)] }
    let channels = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33, 48]
    solving = choose([.output, .output, .output, .input, .input, .input, .filter])
    batch = choose([1, 1, 2, 3])
    switch choose([0, 0, 0, 0, 1, 2, 2, 3]) {
    case 0: (groups, inputChannels, outputChannels) = (1, choose(channels), choose(channels))
    case 1:
      (groups, inputChannels, outputChannels) = (
        choose([2, 3, 4, 5, 8]), choose([1, 2, 4, 5, 8, 16]), choose([1, 2, 3, 4, 8, 16])
      )
    case 2: (groups, inputChannels, outputChannels) = (choose(channels), 1, 1)
    default: (groups, inputChannels, outputChannels) = (choose([2, 3, 7, 8, 9, 16, 17, 24]), 1, choose([2, 3]))
    }
    size = pair(Array(1...15))
    let isPointwise = choose([true, false, false, false])
    kernel = isPointwise || choose([true, false, false, false]) ? [1, 1] : pair(Array(1...5))
    strides = isPointwise || choose([true, false]) ? [1, 1] : pair(Array(1...4))
    dilations = choose([true, true, false]) ? [1, 1] : pair(Array(1...3))
    padsLow = isPointwise || choose([true, false, false]) ? [0, 0] : pair(Array(0...3))
    padsHigh = isPointwise || choose([true, false, false]) ? [0, 0] : pair(Array(0...3))
    isFilterConstant = choose([true, true, true, true, true, false])
    source = choose(Source.allCases + [.stored, .stored])
    epilogue = Epilogue.allCases.filter { _ in choose([true, false]) }
    areCompanionsStored = choose([true, false])
    isReadTwice = choose([true, false, false])
    consumer = choose(Consumer.allCases + [.output, .output])
  }

  // MARK: The graph

  /// The region as a graph and a point, the same for equal regions.
  ///
  /// Terms of a sum have mostly one sign, by result channel, so that no result is the small rest of large terms.
  func sample(name: String) throws -> SampleGraph {
    var builder = AwkwardRegionBuilder(self)
    return try builder.sample(name: name)
  }
}

private struct AwkwardRegionBuilder {
  private let region: AwkwardRegion
  private let builder = GraphBuilder()
  private var generator = SeededGenerator(seed: 1)
  private var inputs: [HostTensor] = []

  init(_ region: AwkwardRegion) { self.region = region }

  private mutating func input(_ shape: Shape, in range: ClosedRange<Double>) -> Value {
    inputs.append(generator.tensor(shape, in: range).roundedToFloat)
    return builder.input("x\(inputs.count)", TensorType(.float32, shape))
  }

  private mutating func constant(_ shape: Shape, in range: ClosedRange<Double>) -> Value {
    builder.constant(generator.tensor(shape, in: range).roundedToFloat, name: "constant")
  }

  mutating func sample(name: String) throws -> SampleGraph {
    var value = try convolution()
    let shape = builder.shape(of: value)
    var outputs: [(String, Value)] = []
    for step in region.epilogue where step == .bias || step == .residual { value = try append(step, to: value, shape) }
    if region.isReadTwice {
      let other = try builder.elementwise(.sigmoid, value)
      outputs.append(("before", try builder.sum(other, axes: [1])))
    }
    for step in region.epilogue where step != .bias && step != .residual { value = try append(step, to: value, shape) }
    outputs.append(("y", try consume(value, shape)))
    return SampleGraph(graph: builder.finish(name: name, outputs: outputs), inputs: inputs)
  }

  private mutating func convolution() throws -> Value {
    let resultShape: Shape =
      switch region.solving {
      case .input: region.input
      case .filter: region.filter
      case .output: region.output
      }
    let operation = Convolution(
      solving: region.solving, strides: region.strides, pads: region.padsLow, dilations: region.dilations,
      groups: region.groups, shape: resultShape)
    let dense = try source(region.solving == .input ? region.output : region.input)
    return try builder.append(operation, region.solving == .input ? [try weights(), dense] : [dense, try weights()])
  }

  /// The operand that is no image: the filter, or the cotangent of a filter gradient. Its sign alternates with the result's
  /// channels, or with the result's rows where it has none of these.
  private mutating func weights() throws -> Value {
    let shape = region.solving == .filter ? region.output : region.filter
    let terms: Int =
      switch region.solving {
      case .output: region.filter.extents[1...].reduce(1, *)
      case .input: region.outputChannels * region.kernel[0] * region.kernel[1]
      case .filter: region.batch * region.output[2] * region.output[3]
      }
    let axis = region.solving == .output ? 0 : 1
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    let scale: Double = 5 / Double(terms)
    let tensor = generator.tensor(shape, in: -0.2...0.6)
    let elements = tensor.doubles.enumerated().map { number, element in
      element * scale * (number / inner % shape[axis] % 3 == 1 ? -1 : 1)
    }
    let signed = HostTensor(tensor.type, .double(elements)).roundedToFloat
    if region.isFilterConstant && region.solving != .filter { return builder.constant(signed, name: "filter") }
    inputs.append(signed)
    return try builder.multiply(builder.input("x\(inputs.count)", signed.type), 0.5)
  }

  private mutating func source(_ shape: Shape) throws -> Value {
    let range: ClosedRange<Double> = 0.5...1.5
    switch region.source {
    case .input: return input(shape, in: range)
    case .stored: return try builder.elementwise(.hyperbolicTangent, input(shape, in: range))
    case .permuted: return try builder.permute(input([shape[0], shape[2], shape[3], shape[1]], in: range), [0, 3, 1, 2])
    case .reshaped: return try builder.reshape(input([shape[0], shape.elementCount / shape[0]], in: range), shape)
    case .concatenated:
      let first = shape[1] / 2
      guard first > 0 else { return input(shape, in: range) }
      let parts = [first, shape[1] - first].map { input([shape[0], $0, shape[2], shape[3]], in: range) }
      return try builder.append(Concatenate(axis: 1), [try builder.elementwise(.hyperbolicTangent, parts[0]), parts[1]])
    }
  }

  private mutating func append(_ step: AwkwardRegion.Epilogue, to value: Value, _ shape: Shape) throws -> Value {
    switch step {
    case .bias: return try builder.addChannelBias(value, constant([shape[1]], in: -0.4...0.4))
    case .residual: return try builder.add(value, try companion(shape))
    case .relu: return try builder.elementwise(.relu, value)
    case .mask: return try builder.multiply(value, try builder.elementwise(.step, try companion(shape)))
    case .smoothedStep: return try builder.multiply(value, try builder.elementwise(.smoothedStep, try companion(shape)))
    }
  }

  private mutating func companion(_ shape: Shape) throws -> Value {
    let value = input(shape, in: -0.4...0.9)
    return region.areCompanionsStored ? try builder.elementwise(.sine, value) : value
  }

  private mutating func consume(_ value: Value, _ shape: Shape) throws -> Value {
    if region.consumer == .output { return value }
    // Far from zero where lanes behind the last channel hold zero, and of one sign.
    let positive = try builder.elementwise(.sigmoid, value)
    let kernel = [min(2, shape[2]), min(3, shape[3])]
    let window = Window(
      kernel: kernel, strides: [2, 1], pads: [0, 0], dilations: [1, 1],
      extents: [(shape[2] - kernel[0]) / 2 + 1, shape[3] - kernel[1] + 1])
    switch region.consumer {
    case .output, .sigmoid: return positive
    case .maximumPool: return try builder.maxPool(try builder.elementwise(.negate, positive), window)
    case .averagePool: return try builder.averagePool(positive, window, countingPadding: true, padsHigh: [0, 0])
    case .concatenation:
      let joined = try builder.append(Concatenate(axis: 1), [positive, value, positive])
      return try builder.add(try builder.elementwise(.cosine, joined), 0.25)
    case .channelSum: return try builder.sum(positive, axes: [1])
    case .channelMaximum: return try builder.maximum(try builder.elementwise(.negate, positive), axes: [1])
    case .spatialMean: return try builder.mean(positive, axes: [2, 3])
    case .convolution:
      return try builder.convolution(
        positive, constant([17, shape[1], 1, 1], in: 0.1...0.4), strides: [1, 1], padsLow: [0, 1], padsHigh: [1, 0],
        dilations: [1, 1], groups: 1)
    case .product:
      let count = shape.elementCount / shape[0]
      return try builder.matrixMultiply(
        try builder.reshape(positive, [shape[0], count]), constant([count, 10], in: 0.1...0.4))
    case .permutation: return try builder.permute(positive, [0, 2, 3, 1])
    case .slice: return try builder.slice(positive, axis: 1, from: shape[1] / 3, to: shape[1])
    }
  }
}
