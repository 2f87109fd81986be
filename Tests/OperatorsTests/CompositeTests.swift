import Foundation
import IR
import Operators
import TensorTypes
import TestSupport
import Testing

/// Composites against their direct formulas.
@Suite struct CompositeTests {
  private var generator = SeededGenerator(seed: 21)

  private func evaluate(_ inputs: [HostTensor], _ build: (GraphBuilder, [Value]) throws -> Value) throws -> HostTensor {
    let builder = GraphBuilder()
    let values = inputs.enumerated().map { builder.input("x\($0.offset)", $0.element.type) }
    let graph = builder.finish(name: "composite", outputs: [("y", try build(builder, values))])
    try graph.verify()
    let results: [HostTensor] = try graph.evaluate(inputs)
    return results[0]
  }

  private func expect(_ found: HostTensor, _ shape: Shape, _ expected: [Double], tolerance: Double = 1e-14) {
    #expect(found.shape == shape)
    #expect(relativeError(found, HostTensor(TensorType(found.type.element, shape), .double(expected))) <= tolerance)
  }

  @Test mutating func softmaxIsTheNormalisedExponential() throws {
    let x = generator.tensor([2, 3, 2])
    let y = try evaluate([x]) { graph, x in try graph.softmax(x[0], axes: [1]) }
    let e = x.doubles.map { exp($0) }
    expect(y, [2, 3, 2], e.indices.map { i in e[i] / (0..<3).reduce(0) { $0 + e[i / 6 * 6 + $1 * 2 + i % 2] } })
  }

  @Test mutating func logSoftmaxIsTheLogarithmOfSoftmax() throws {
    let x = generator.tensor([3, 4])
    let y = try evaluate([x]) { graph, x in try graph.logSoftmax(x[0], axes: [1]) }
    let e = x.doubles.map { exp($0) }
    expect(y, [3, 4], e.indices.map { i in log(e[i] / e[i / 4 * 4..<i / 4 * 4 + 4].reduce(0, +)) })
  }

  @Test func softmaxAndLogSumExpSurviveLargeLogits() throws {
    let x = HostTensor([1, 3], [Float(1000), 999, -1000])
    let y = try evaluate([x]) { graph, x in try graph.softmax(x[0], axes: [1]) }
    expect(y, [1, 3], [1 / (1 + exp(-1)), exp(-1) / (1 + exp(-1)), 0])
    let z = try evaluate([x]) { graph, x in try graph.logSumExp(x[0], axes: [1]) }
    expect(z, [1, 1], [1000 + log(1 + exp(-1))])
    let logs = try evaluate([x]) { graph, x in try graph.logSoftmax(x[0], axes: [1]) }
    expect(logs, [1, 3], [-log(1 + exp(-1)), -1 - log(1 + exp(-1)), -2000 - log(1 + exp(-1))])
  }

  @Test mutating func maximumAndMinimumReduceOverTheirAxes() throws {
    let x = generator.tensor([2, 3, 4])
    let largest = try evaluate([x]) { graph, x in try graph.maximum(x[0], axes: [0, 2]) }
    expect(largest, [3], (0..<3).map { channel(x, $0).max() ?? 0 })
    let smallest = try evaluate([x]) { graph, x in try graph.minimum(x[0], axes: [1], keepAxes: true) }
    let columns: [[Double]] = (0..<8).map { (i: Int) -> [Double] in (0..<3).map { x.doubles[i / 4 * 12 + $0 * 4 + i % 4] } }
    expect(smallest, [2, 1, 4], columns.map { $0.min() ?? 0 })
  }

  @Test mutating func meanDividesBySizeOfTheAxes() throws {
    let x = generator.tensor([2, 3, 4])
    let y = try evaluate([x]) { graph, x in try graph.mean(x[0], axes: [0, 2], keepAxes: true) }
    expect(y, [1, 3, 1], (0..<3).map { channel(x, $0).reduce(0, +) / 8 })
  }

  /// The elements of x[:, c, :] of a [2, 3, 4] tensor.
  private func channel(_ x: HostTensor, _ c: Int) -> [Double] {
    (0..<8).map { (i: Int) -> Double in x.doubles[i / 4 * 12 + c * 4 + i % 4] }
  }

  @Test mutating func batchNormalizationFollowsItsEquation() throws {
    let x = generator.tensor([2, 3, 2])
    let parameters = (0..<4).map { _ in generator.tensor([3], in: 0.2...2) }
    let y = try evaluate([x] + parameters) { graph, v in
      try graph.batchNormalization(v[0], scale: v[1], bias: v[2], mean: v[3], variance: v[4], epsilon: 1e-3)
    }
    let p = parameters.map(\.doubles)
    expect(
      y, [2, 3, 2],
      x.doubles.enumerated().map { i, x in
        let c = i / 2 % 3
        return p[0][c] * (x - p[2][c]) / (p[3][c] + 1e-3).squareRoot() + p[1][c]
      })
  }

  @Test func averagePoolCountsPaddingOnlyWhenAsked() throws {
    let x = HostTensor([1, 1, 4], [Float(1), 2, 3, 4])
    let window = Window(kernel: [3], strides: [2], pads: [1], dilations: [1], extents: [2])
    let inside = try evaluate([x]) { graph, x in
      try graph.averagePool(x[0], window, countingPadding: false, padsHigh: [0])
    }
    expect(inside, [1, 1, 2], [1.5, 3])
    let padded = try evaluate([x]) { graph, x in
      try graph.averagePool(x[0], window, countingPadding: true, padsHigh: [0])
    }
    expect(padded, [1, 1, 2], [1, 3])
    // In ceiling mode the last window reaches beyond even the padding: 3 and 4 are all it counts, or them and one zero.
    let ceiling = Window(kernel: [3], strides: [2], pads: [0], dilations: [1], extents: [2])
    let beyond = try evaluate([x]) { graph, x in
      try graph.averagePool(x[0], ceiling, countingPadding: true, padsHigh: [0])
    }
    expect(beyond, [1, 1, 2], [2, 3.5])
  }

  @Test func maxPoolNeverChoosesPadding() throws {
    let x = HostTensor([1, 1, 2, 2], [Float(-1), -2, -3, -4])
    let window = Window(kernel: [2, 2], strides: [1, 1], pads: [1, 1], dilations: [1, 1], extents: [3, 3])
    let y = try evaluate([x]) { graph, x in try graph.maxPool(x[0], window) }
    expect(y, [1, 1, 3, 3], [-1, -1, -2, -1, -1, -2, -3, -3, -4])
  }

  /// NumPy matmul shapes: vectors, one matrix for a batch, batches that broadcast.
  @Test(arguments: [
    ([3], [3], []), ([2, 3], [3], [2]), ([3], [3, 4], [4]), ([2, 3], [3, 4], [2, 4]), ([5, 2, 3], [3, 4], [5, 2, 4]),
    ([5, 2, 3], [3], [5, 2]), ([3], [5, 3, 4], [5, 4]), ([5, 2, 3], [5, 3, 4], [5, 2, 4]), ([2, 3], [5, 3, 4], [5, 2, 4]),
    ([2, 1, 2, 3], [5, 3, 4], [2, 5, 2, 4]), ([5, 2, 3], [1, 3, 4], [5, 2, 4]), ([2, 3], [1, 1, 3, 4], [1, 1, 2, 4]),
  ] as [([Int], [Int], [Int])])
  func matrixMultiplyBroadcastsAsNumPyDoes(left: [Int], right: [Int], result: [Int]) throws {
    var generator = SeededGenerator(seed: 22)
    let a = generator.tensor(Shape(left)), b = generator.tensor(Shape(right))
    let y = try evaluate([a, b]) { graph, v in try graph.matrixMultiply(v[0], v[1]) }

    let matrixA = left.count == 1 ? [1] + left : left, matrixB = right.count == 1 ? right + [1] : right
    let m = matrixA[matrixA.count - 2], k = matrixA[matrixA.count - 1], n = matrixB[matrixB.count - 1]
    var expected: [Double] = []
    let batchRank = max(matrixA.count, matrixB.count) - 2
    func padded(_ extents: [Int]) -> [Int] { [Int](repeating: 1, count: batchRank + 2 - extents.count) + extents }
    let paddedA = Shape(padded(matrixA)), paddedB = Shape(padded(matrixB))
    let batch = Shape((0..<batchRank).map { max(paddedA[$0], paddedB[$0]) })
    batch.forEachIndex { index in
      func offset(_ shape: Shape, _ row: Int, _ column: Int) -> Int {
        shape.offset(of: index.indices.map { min(index[$0], shape[$0] - 1) } + [row, column])
      }
      for i in 0..<m {
        for j in 0..<n {
          expected.append((0..<k).reduce(0) { $0 + a.doubles[offset(paddedA, i, $1)] * b.doubles[offset(paddedB, $1, j)] })
        }
      }
    }
    expect(y, Shape(result), expected, tolerance: 1e-13)
  }

  @Test mutating func operandsUniteByNumPyBroadcasting() throws {
    let x = generator.tensor([2, 1, 3]), y = generator.tensor([4, 1])
    let sum = try evaluate([x, y]) { graph, v in try graph.add(v[0], v[1]) }
    let expected = (0..<24).map { (i: Int) -> Double in x.doubles[i / 12 * 3 + i % 3] + y.doubles[i / 3 % 4] }
    expect(sum, [2, 4, 3], expected)
    let error = try #require(throws: TypeError.self) {
      try evaluate([x, generator.tensor([2])]) { graph, v in try graph.add(v[0], v[1]) }
    }
    #expect(error.problem == "shapes do not broadcast")
  }

  @Test func activationsFollowTheirEquations() throws {
    let points = [-50, -3, -0.7, -0.01, 0, 0.01, 0.7, 3, 39.9, 50].map { Double($0) }
    let x = HostTensor(TensorType(.float64, [points.count]), .double(points))
    func check(_ expected: (Double) -> Double, _ build: (GraphBuilder, Value) throws -> Value) throws {
      expect(try evaluate([x]) { graph, v in try build(graph, v[0]) }, x.shape, points.map(expected), tolerance: 1e-13)
    }
    try check({ max(0, min(1, 0.2 * $0 + 0.5)) }) { graph, x in try graph.hardSigmoid(x, alpha: 0.2, beta: 0.5) }
    try check({ $0 > 30 ? $0 : log1p(exp($0)) }) { graph, x in try graph.softplus(x) }
    try check({ $0 / 2 * (1 + erf($0 / 2.0.squareRoot())) }) { graph, x in try graph.gelu(x) }
    try check({ $0 / 2 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }) { graph, x in
      try graph.geluByHyperbolicTangent(x)
    }
    try check({ $0 > 0 ? 0 : exp($0) - 1 }) { graph, x in try graph.negativeExponentialMinusOne(x) }
    try check({ min(max($0, -1), 2) }) { graph, x in try graph.clip(x, -1, 2) }
  }
}
