import Autodiff
import IR
import Operators
import TensorTypes
import TestSupport

/// Graphs that reach every schedule and layout, beside the plain loops of the catalogue's samples.
enum ScheduleSamples {
  struct Case {
    let graph: Graph
    let inputs: [HostTensor]
  }

  static let all: [Case] = {
    do { return try convolutions() + products() + layouts() + [network()] } catch {
      preconditionFailure("a schedule sample is ill-typed: \(error)")
    }
  }()

  /// One convolution with constant weights; its result has two users, so that it is stored.
  private struct Shape2D {
    var batch = 1, input = 16, output = 16, groups = 1
    var size = [7, 9], kernel = [3, 3], strides = [1, 1], pads = [1, 1], dilations = [1, 1]
  }

  private static func convolutions() throws -> [Case] {
    let shapes = [
      Shape2D(),
      Shape2D(batch: 2, input: 3, output: 24, size: [11, 12], strides: [2, 2]),
      Shape2D(input: 40, output: 8, size: [5, 5], kernel: [1, 1], pads: [0, 0]),
      Shape2D(batch: 2, input: 24, output: 112, size: [6, 7], kernel: [1, 1], pads: [0, 0]),
      Shape2D(input: 16, output: 80, size: [9, 9], kernel: [1, 1], strides: [2, 2], pads: [0, 0]),
      Shape2D(batch: 2, input: 20, output: 24, size: [8, 10], kernel: [1, 1], strides: [2, 3], pads: [0, 0]),
      // Sums long enough to be made by parts, forward and backward.
      Shape2D(batch: 2, input: 1032, output: 24, size: [7, 9], kernel: [1, 1], pads: [0, 0]),
      Shape2D(input: 24, output: 1040, size: [14, 15], kernel: [1, 1], pads: [0, 0]),
      Shape2D(input: 32, output: 48, size: [14, 30], kernel: [3, 3]),
      Shape2D(input: 20, output: 33, size: [10, 9], kernel: [5, 3], strides: [2, 1], pads: [2, 0], dilations: [1, 2]),
      Shape2D(input: 3, output: 16, size: [20, 20], kernel: [7, 7], strides: [2, 2], pads: [3, 3]),
      Shape2D(batch: 2, input: 24, output: 24, groups: 24, size: [9, 8], kernel: [5, 5], strides: [2, 2], pads: [2, 2]),
      Shape2D(input: 40, output: 40, groups: 40, size: [7, 17]),
      Shape2D(input: 32, output: 64, groups: 2, size: [8, 8], strides: [2, 2]),
      Shape2D(input: 16, output: 16, groups: 4, size: [6, 6]),
      Shape2D(input: 32, output: 64, groups: 8, size: [6, 7]),
      Shape2D(input: 48, output: 48, groups: 16, size: [9, 6], strides: [2, 2]),
      Shape2D(input: 12, output: 24, groups: 3, size: [6, 6]),
      Shape2D(input: 8, output: 16, groups: 8, size: [6, 6]),
      Shape2D(input: 4, output: 4, size: [6, 6]),
    ]
    var generator = SeededGenerator(seed: 21)
    var cases: [Case] = []
    for (number, s) in shapes.enumerated() {
      for direction in ["forward", "backward"] {
        let builder = GraphBuilder()
        let x = builder.input("x", TensorType(.float32, Shape([s.batch, s.input] + s.size)))
        // Ahead of the convolution, so that its source is stored in blocks where there are channels enough.
        let source = try builder.elementwise(.hyperbolicTangent, x)
        let filter = builder.constant(
          generator.tensor(Shape([s.output, s.input / s.groups] + s.kernel), in: -0.4...0.4).roundedToFloat, name: "filter")
        let bias = builder.constant(generator.tensor([s.output]).roundedToFloat, name: "bias")
        let y = try builder.convolution(
          source, filter, strides: s.strides, padsLow: s.pads, padsHigh: s.pads, dilations: s.dilations, groups: s.groups)
        let biased = try builder.clip(try builder.addChannelBias(y, bias), -1, 4)
        if direction == "forward" {
          cases.append(
            Case(
              graph: builder.finish(
                name: "convolution\(number)",
                outputs: [("y", try builder.elementwise(.sigmoid, biased)), ("s", try builder.sum(biased, axes: [1]))]),
              inputs: [generator.tensor(Shape([s.batch, s.input] + s.size)).roundedToFloat]))
        } else {
          let cotangent = builder.input("cotangent", builder.type(of: y))
          let scaled = try builder.multiply(cotangent, 0.5)
          let gradient = try builder.pullback([(biased, scaled)], to: [source])[0]
          cases.append(
            Case(
              graph: builder.finish(
                name: "adjoint\(number)",
                outputs: [("g", try builder.elementwise(.absolute, gradient)), ("s", try builder.sum(gradient, axes: [1]))]),
              inputs: [
                generator.tensor(Shape([s.batch, s.input] + s.size)).roundedToFloat,
                generator.tensor(builder.shape(of: y)).roundedToFloat,
              ]))
        }
      }
    }
    return cases
  }

  private static func products() throws -> [Case] {
    var generator = SeededGenerator(seed: 22)
    var cases: [Case] = []
    for (number, (m, k, n)) in [(1, 40, 10), (5, 33, 100), (8, 128, 16), (3, 7, 3), (40, 20, 24)].enumerated() {
      for transposed in [false, true] {
        let builder = GraphBuilder()
        let x = builder.input("x", TensorType(.float32, transposed ? [k, m] : [m, k]))
        let w = builder.constant(generator.tensor(transposed ? [n, k] : [k, n]).roundedToFloat, name: "w")
        let y = try builder.append(MatrixProduct(transposeLeft: transposed, transposeRight: transposed), [x, w])
        let biased = try builder.add(y, builder.constant(generator.tensor([n]).roundedToFloat, name: "b"))
        cases.append(
          Case(
            graph: builder.finish(
              name: "product\(number)\(transposed)", outputs: [("y", try builder.softmax(biased, axes: [1]))]),
            inputs: [generator.tensor(builder.shape(of: x)).roundedToFloat]))
      }
    }
    return cases
  }

  /// Values in blocks that meet concatenation, slices, permutations, reductions and pooling.
  private static func layouts() throws -> [Case] {
    var generator = SeededGenerator(seed: 23)
    var cases: [Case] = []
    for (number, channels) in [[16, 32], [8, 24, 3], [20, 12]].enumerated() {
      let builder = GraphBuilder()
      let inputs = channels.enumerated().map { builder.input("x\($0.offset)", TensorType(.float32, [2, $0.element, 5, 6])) }
      var parts: [Value] = []
      for input in inputs { parts.append(try builder.elementwise(.relu, input)) }
      let joined = try builder.append(Concatenate(axis: 1), parts)
      let stored = try builder.elementwise(.exponential, joined)
      let tall = try builder.append(Concatenate(axis: 2), [stored, joined])
      let window = Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1], dilations: [1, 1], extents: [3, 3])
      let pooled = try builder.maxPool(stored, window)
      let averaged = try builder.averagePool(stored, window, countingPadding: false, padsHigh: [1, 1])
      let total = channels.reduce(0, +)
      let back = try builder.pullback(
        [(pooled, try builder.elementwise(.sine, pooled)), (averaged, averaged)], to: [joined])[0]
      cases.append(
        Case(
          graph: builder.finish(
            name: "layouts\(number)",
            outputs: [
              ("tall", try builder.elementwise(.negate, tall)), ("pooled", pooled),
              ("averaged", try builder.add(averaged, 1)),
              ("sliced", try builder.slice(stored, axis: 1, from: 3, to: total - 2)),
              ("aligned", try builder.elementwise(.sine, try builder.slice(stored, axis: 1, from: 16, to: total))),
              ("permuted", try builder.permute(stored, [0, 2, 3, 1])), ("mean", try builder.mean(stored, axes: [2, 3])),
              ("maximum", try builder.maximum(stored, axes: [1])), ("flat", try builder.reshape(stored, [2, total * 30])),
              ("back", try builder.multiply(back, 2)),
            ]),
          inputs: channels.map { generator.tensor([2, $0, 5, 6]).roundedToFloat }))
    }
    return cases
  }

  private static func network() throws -> Case {
    var generator = SeededGenerator(seed: 24)
    return Case(graph: try smallNetwork(batch: 2), inputs: [generator.tensor([2, 3, 13, 13]).roundedToFloat])
  }

  /// Convolutions with a residual sum, pooling and a linear layer, and the gradient of its first score.
  static func smallNetwork(batch: Int) throws -> Graph {
    var generator = SeededGenerator(seed: 25)
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [batch, 3, 13, 13]))
    func filter(_ shape: Shape) -> Value {
      builder.constant(generator.tensor(shape, in: -0.3...0.3).roundedToFloat, name: "filter")
    }
    func layer(_ x: Value, _ channels: Int, _ kernel: Int, stride: Int) throws -> Value {
      let pad = kernel / 2
      let y = try builder.convolution(
        x, filter([channels, builder.shape(of: x)[1], kernel, kernel]), strides: [stride, stride], padsLow: [pad, pad],
        padsHigh: [pad, pad], dilations: [1, 1], groups: 1)
      return try builder.addChannelBias(y, builder.constant(generator.tensor([channels]).roundedToFloat, name: "bias"))
    }
    let stem = try builder.elementwise(.relu, try layer(x, 24, 3, stride: 2))
    let inner = try layer(try builder.elementwise(.relu, try layer(stem, 40, 1, stride: 1)), 24, 3, stride: 1)
    let sum = try builder.elementwise(.relu, try builder.add(inner, stem))
    let pooled = try builder.mean(sum, axes: [2, 3])
    let scores = try builder.matrixMultiply(pooled, filter([24, 10]))
    let first = try builder.slice(scores, axis: 1, from: 0, to: 1)
    let one = try builder.broadcast(builder.scalar(1), to: [batch, 1])
    return builder.finish(
      name: "network\(batch)", outputs: [("scores", scores), ("gradient", try builder.pullback([(first, one)], to: [x])[0])])
  }
}
