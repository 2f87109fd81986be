import IR
import Operators
import TensorTypes

/// A composite over inputs x0, x1, ... at a point away from its kinks.
public struct SampleComposite: Sendable, CustomStringConvertible {
  public let description: String
  public let inputs: [HostTensor]
  private let build: @Sendable (GraphBuilder, [Value]) throws -> Value

  init(_ description: String, _ inputs: [HostTensor], _ build: @escaping @Sendable (GraphBuilder, [Value]) throws -> Value) {
    self.description = description
    self.inputs = inputs
    self.build = build
  }

  public func graph() throws -> Graph {
    let builder = GraphBuilder()
    let values = inputs.enumerated().map { builder.input("x\($0.offset)", $0.element.type) }
    return builder.finish(name: "composite", outputs: [("y", try build(builder, values))])
  }

  public static let all: [SampleComposite] = {
    var g = SeededGenerator(seed: 31)
    let pool = Window(kernel: [2, 3], strides: [2, 1], pads: [1, 1], dilations: [1, 1], extents: [3, 4])
    let matrix = g.tensor([3, 4])
    let image = g.tensor([2, 3, 4, 4])
    // Windows must not choose between elements nearer to each other than the steps of central differences.
    let steps = (0..<96).map { (i: Int) -> Double in Double(i * 41 % 96) / 32 - 1.5 }
    let spread = HostTensor(image.type, .double(steps))
    var all: [SampleComposite] = []
    func add(_ name: String, _ inputs: [HostTensor], _ build: @escaping @Sendable (GraphBuilder, [Value]) throws -> Value) {
      all.append(SampleComposite(name, inputs, build))
    }
    add("softmax", [matrix]) { graph, x in try graph.softmax(x[0], axes: [1]) }
    add("logSoftmax", [matrix]) { graph, x in try graph.logSoftmax(x[0], axes: [1]) }
    add("logSumExp", [matrix]) { graph, x in try graph.logSumExp(x[0], axes: [0]) }
    add("cross entropy", [matrix]) { graph, x in
      let logs = try graph.logSoftmax(x[0], axes: [1])
      let target = graph.constant(HostTensor([3, 1], [Int64(2), 0, 3]), name: "target")
      return try graph.elementwise(.negate, try graph.append(Take(batchRank: 1), [logs, target]))
    }
    add("maximum", [spread]) { graph, x in try graph.maximum(x[0], axes: [1, 3]) }
    add("minimum", [spread]) { graph, x in try graph.minimum(x[0], axes: [0, 2, 3], keepAxes: true) }
    add("min-max normalisation", [spread]) { graph, x in
      let low = try graph.minimum(x[0], axes: [2, 3], keepAxes: true)
      let shifted = try graph.subtract(x[0], low)
      return try graph.divide(shifted, try graph.maximum(shifted, axes: [2, 3], keepAxes: true))
    }
    add("mean", [image]) { graph, x in try graph.mean(x[0], axes: [2, 3]) }
    add("averagePool", [image]) { graph, x in
      try graph.averagePool(x[0], pool, countingPadding: false, padsHigh: [0, 1])
    }
    add("averagePool counting padding", [image]) { graph, x in
      try graph.averagePool(x[0], pool, countingPadding: true, padsHigh: [1, 1])
    }
    add("maxPool", [spread]) { graph, x in try graph.maxPool(x[0], pool) }
    add(
      "batchNormalization", [image, g.tensor([3]), g.tensor([3]), g.tensor([3]), g.tensor([3], in: 0.3...2)]
    ) { graph, x in
      try graph.batchNormalization(x[0], scale: x[1], bias: x[2], mean: x[3], variance: x[4], epsilon: 1e-3)
    }
    add("convolution, bias, relu", [image, g.tensor([4, 3, 3, 3]), g.tensor([4])]) { graph, x in
      let y = try graph.convolution(
        x[0], x[1], strides: [2, 1], padsLow: [1, 0], padsHigh: [0, 2], dilations: [1, 1], groups: 1)
      return try graph.elementwise(.relu, try graph.addChannelBias(y, x[2]))
    }
    add("matrixMultiply of a batch", [g.tensor([2, 2, 3]), g.tensor([3, 4])]) { graph, x in
      try graph.matrixMultiply(x[0], x[1])
    }
    add("matrixMultiply with broadcast batch", [g.tensor([2, 1, 2, 3]), g.tensor([3, 3, 2])]) { graph, x in
      try graph.matrixMultiply(x[0], x[1])
    }
    add("matrixMultiply of vectors", [g.tensor([3]), g.tensor([2, 3, 2])]) { graph, x in
      try graph.matrixMultiply(x[0], x[1])
    }
    // Also to places outside of the image, and never near a whole one.
    let flow = HostTensor(
      TensorType(image.type.element, [2, 2, 4, 4]),
      .double((0..<64).map { (i: Int) -> Double in Double(i * 29 % 64 / 8 - 4) + 0.15 + Double(i * 13 % 64) / 92 }))
    add("bilinearWarp", [image, flow]) { graph, x in try graph.bilinearWarp(x[0], flow: x[1]) }
    add("bilinearWarp of a row", [g.tensor([1, 2, 1, 3]), g.tensor([1, 2, 1, 3], in: 0.1...0.9)]) { graph, x in
      try graph.bilinearWarp(x[0], flow: x[1])
    }
    add("median of 3 x 3", [spread]) { graph, x in try graph.median(x[0], size: 3) }
    add("median of 2 x 2", [spread]) { graph, x in try graph.median(x[0], size: 2) }
    add("continued by replication", [image]) { graph, x in try graph.continued(x[0], by: 2, .replicate) }
    add("continued by symmetry", [image]) { graph, x in try graph.continued(x[0], by: 5, .symmetric) }
    add("hardSigmoid", [matrix]) { graph, x in try graph.hardSigmoid(x[0], alpha: 0.47, beta: 0.5) }
    add("softplus", [matrix]) { graph, x in try graph.softplus(x[0]) }
    add("gelu", [matrix]) { graph, x in try graph.gelu(x[0]) }
    add("gelu by tanh", [matrix]) { graph, x in try graph.geluByHyperbolicTangent(x[0]) }
    add("positive part, exponential below", [matrix]) { graph, x in
      try graph.positivePart(of: x[0], otherwise: try graph.negativeExponentialMinusOne(x[0]))
    }
    add("clip", [matrix]) { graph, x in try graph.clip(x[0], -0.5, 1) }
    add("power of a constant exponent", [g.tensor([4], in: 0.2...2)]) { graph, x in
      try graph.elementwise(.power, x[0], graph.scalar(2.5, like: x[0]))
    }
    add("square of a negative base", [matrix]) { graph, x in
      try graph.elementwise(.power, x[0], graph.scalar(2, like: x[0]))
    }
    add("a value used twice", [matrix]) { graph, x in
      let y = try graph.elementwise(.hyperbolicTangent, x[0])
      return try graph.add(try graph.multiply(y, x[0]), try graph.permute(try graph.permute(y, [1, 0]), [1, 0]))
    }
    return all
  }()
}
