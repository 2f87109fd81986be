import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

@Suite struct FoldBatchNormTests {
  private let type = TensorType(.float32, [2, 3, 5, 5])
  private var generator = SeededGenerator(seed: 81)

  /// Folds constants, then batch norm, checks values and derivatives, and returns the mnemonics of what is left.
  private mutating func folded(
    _ type: TensorType? = nil, _ build: (inout Self, GraphBuilder, Value) throws -> [(String, Value)]
  ) throws -> [String] {
    let builder = GraphBuilder()
    let x = builder.input("x", type ?? self.type)
    let graph = builder.finish(name: "g", outputs: try build(&self, builder, x))
    let result = try FoldBatchNorm.run(try FoldConstants.run(graph))
    let inputs = [generator.tensor((type ?? self.type).shape)]
    try expectSameSignature(result, graph)
    try expectSameValues(result, graph, inputs, tolerance: 1e-13)
    try expectSameDerivatives(result, graph, inputs)
    return result.nodes.compactMap(\.operation?.mnemonic)
  }

  private mutating func weights(_ shape: Shape, in range: ClosedRange<Double> = -1...1, _ builder: GraphBuilder) -> Value {
    builder.constant(generator.tensor(shape, in: range), name: "w")
  }

  private mutating func normalise(_ x: Value, _ builder: GraphBuilder) throws -> Value {
    let channels = builder.shape(of: x)[1]
    return try builder.batchNormalization(
      x, scale: weights([channels], builder), bias: weights([channels], builder), mean: weights([channels], builder),
      variance: weights([channels], in: 0.2...2, builder), epsilon: 1e-5)
  }

  private mutating func convolve(_ x: Value, _ builder: GraphBuilder, pad: Int = 0, groups: Int = 1) throws -> Value {
    let channels = builder.shape(of: x)[1]
    return try builder.convolution(
      x, weights([6, channels / groups, 2, 2], builder), strides: [1, 2], padsLow: [pad, pad], padsHigh: [0, 0],
      dilations: [1, 1], groups: groups)
  }

  @Test(arguments: [0, 1], [1, 3])
  mutating func aNormalisationBehindAConvolutionLeavesOneBias(pad: Int, groups: Int) throws {
    let left = try folded { test, builder, x in
      let y = try test.convolve(x, builder, pad: pad, groups: groups)
      return [("y", try test.normalise(y, builder))]
    }
    #expect(left == ["convolution", "broadcast", "add"])
  }

  @Test mutating func anExistingBiasMergesIntoTheNewOne() throws {
    let left = try folded { test, builder, x in
      let y = try builder.addChannelBias(try test.convolve(x, builder, pad: 1), test.weights([6], builder))
      return [("y", try test.normalise(y, builder))]
    }
    #expect(left == ["convolution", "broadcast", "add"])
  }

  @Test(arguments: [1, 3])
  mutating func aNormalisationAheadOfAnUnpaddedConvolutionFoldsWhole(groups: Int) throws {
    let left = try folded { test, builder, x in
      let normalised = try test.normalise(x, builder)
      return [("y", try test.convolve(normalised, builder, groups: groups))]
    }
    #expect(left == ["convolution", "broadcast", "add"])
  }

  @Test(arguments: [1, 3])
  mutating func aheadOfAPaddedConvolutionOnlyTheScaleFolds(groups: Int) throws {
    let left = try folded { test, builder, x in
      let normalised = try test.normalise(x, builder)
      return [("y", try test.convolve(normalised, builder, pad: 1, groups: groups))]
    }
    #expect(left == ["broadcast", "add", "convolution"])
  }

  @Test mutating func paddingThatIsOnlyReadBehindThePlaneCounts() throws {
    let left = try folded { test, builder, x in
      let normalised = try test.normalise(x, builder)
      return [
        (
          "y",
          try builder.convolution(
            normalised, test.weights([2, 3, 2, 2], builder), strides: [1, 1], padsLow: [0, 0], padsHigh: [0, 1],
            dilations: [1, 1], groups: 1)
        )
      ]
    }
    #expect(left == ["broadcast", "add", "convolution"])
  }

  @Test mutating func aShiftAheadOfAPaddedConvolutionStays() throws {
    let left = try folded { test, builder, x in
      let shifted = try builder.addChannelBias(x, test.weights([3], builder))
      return [("y", try test.convolve(shifted, builder, pad: 1))]
    }
    #expect(left == ["broadcast", "add", "convolution"])
  }

  @Test mutating func anotherUserKeepsTheConvolution() throws {
    let left = try folded { test, builder, x in
      let y = try test.convolve(x, builder)
      return [("y", try builder.add(try test.normalise(y, builder), try builder.elementwise(.relu, y)))]
    }
    #expect(left == ["convolution", "broadcast", "multiply", "broadcast", "add", "relu", "add"])
  }

  @Test mutating func anOutputKeepsItsConvolution() throws {
    let left = try folded { test, builder, x in
      let y = try test.convolve(x, builder)
      return [("features", y), ("y", try test.normalise(y, builder))]
    }
    #expect(left == ["convolution", "broadcast", "multiply", "broadcast", "add"])
  }

  @Test mutating func aNormalisationWithAnotherUserStaysAheadOfAConvolution() throws {
    let left = try folded { test, builder, x in
      let normalised = try test.normalise(x, builder)
      return [("y", try test.convolve(normalised, builder)), ("normalised", normalised)]
    }
    #expect(left == ["broadcast", "multiply", "broadcast", "add", "convolution"])
  }

  @Test mutating func aFilterThatIsAnInputStays() throws {
    var test = self
    let builder = GraphBuilder()
    let x = builder.input("x", type), filter = builder.input("filter", TensorType(.float32, [2, 3, 2, 2]))
    let y = try builder.convolution(
      x, filter, strides: [1, 1], padsLow: [0, 0], padsHigh: [0, 0], dilations: [1, 1], groups: 1)
    let graph = builder.finish(name: "g", outputs: [("y", try test.normalise(y, builder))])
    let result = try FoldBatchNorm.run(try FoldConstants.run(graph))
    #expect(result.nodes.compactMap(\.operation?.mnemonic) == ["convolution", "broadcast", "multiply", "broadcast", "add"])
    let inputs = [generator.tensor(type.shape), generator.tensor([2, 3, 2, 2])]
    try expectSameValues(result, graph, inputs, tolerance: 1e-13)
  }

  @Test mutating func aScaleThatVariesOverThePlaneStays() throws {
    let left = try folded { test, builder, x in
      let y = try test.convolve(x, builder)
      let plane = Shape(Array(builder.shape(of: y).extents[2...]))
      return [("y", try builder.multiply(y, test.weights(plane, builder)))]
    }
    #expect(left == ["convolution", "broadcast", "multiply"])
  }

  @Test mutating func aChainOfNormalisationsIsOneMultiplicationAndOneAddition() throws {
    let left = try folded { test, builder, x in
      let y = try test.normalise(try test.normalise(x, builder), builder)
      let negated = try builder.elementwise(.negate, try builder.divide(y, builder.scalar(3, like: y)))
      return [("y", try builder.subtract(builder.scalar(1, like: y), negated))]
    }
    #expect(left == ["broadcast", "multiply", "broadcast", "add"])
  }

  @Test(arguments: [false, true])
  mutating func aNormalisationBehindAMatrixProductFoldsIntoItsColumns(transposed: Bool) throws {
    let left = try folded(TensorType(.float32, [4, 3])) { test, builder, x in
      let matrix = test.weights(transposed ? [5, 3] : [3, 5], builder)
      let product = try builder.append(MatrixProduct(transposeRight: transposed), [x, matrix])
      let biased = try builder.add(product, test.weights([5], builder))
      return [("y", try test.normalise(biased, builder))]
    }
    #expect(left == ["matrixProduct", "broadcast", "add"])
  }

  @Test mutating func convolutionsInARowFoldTheirNormalisationsAndShiftsAhead() throws {
    let left = try folded { test, builder, x in
      let first = try test.normalise(try test.convolve(try test.normalise(x, builder), builder), builder)
      return [("y", try test.normalise(try test.convolve(first, builder), builder))]
    }
    #expect(left == ["convolution", "convolution", "broadcast", "add"])
  }

  @Test mutating func theFoldedOperationsKeepTheirLocations() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", type)
    builder.location = Location(node: "conv1")
    let y = try convolve(x, builder)
    builder.location = Location(node: "bn1")
    let graph = builder.finish(name: "g", outputs: [("y", try normalise(y, builder))])
    let result = try FoldBatchNorm.run(try FoldConstants.run(graph))
    let locations = result.nodes.filter { $0.operation != nil }.map(\.location.node)
    #expect(locations == ["conv1", "bn1", "bn1"])
  }
}
