import Foundation
import IR
import Operators
import TensorTypes
import Testing

@Suite struct ScalarFunctionTests {
  private func evaluate(_ function: ScalarFunction, _ operands: [[Int64]]) throws -> [Int64] {
    let tensors = operands.map { HostTensor([$0.count], $0) }
    let operation = Elementwise(function)
    return try operation.evaluate(tensors, type: try operation.resultType(of: tensors.map(\.type))).integers
  }

  @Test func integerDivisionRoundsTowardZero() throws {
    #expect(try evaluate(.divide, [[7, -7, 7, -7], [2, 2, -2, -2]]) == [3, -3, -3, 3])
  }

  @Test func integersCompareAndChooseExactlyBeyondTheFloatingPointRange() throws {
    let large = Int64(1) << 53
    #expect(try evaluate(.less, [[large], [large + 1]]) == [1])
    #expect(try evaluate(.equal, [[large], [large + 1]]) == [0])
    #expect(try evaluate(.maximum, [[large, .max], [large + 1, .min]]) == [large + 1, .max])
    #expect(try evaluate(.minimum, [[large], [large + 1]]) == [large])
    #expect(try evaluate(.clip, [[.max, 5, -5], [-2, -2, -2], [3, 9, 3]]) == [3, 5, -2])
    #expect(try evaluate(.add, [[large], [1]]) == [large + 1])
  }

  @Test func signAndAbsoluteOfIntegers() throws {
    #expect(try evaluate(.sign, [[-3, 0, 9]]) == [-1, 0, 1])
    #expect(try evaluate(.absolute, [[-3, 0, .max]]) == [3, 0, .max])
    #expect(try evaluate(.negate, [[-3, .max]]) == [3, -.max])
  }

  @Test(arguments: [
    (ScalarFunction.add, [Int64.max, 1]), (.subtract, [.min, 1]), (.multiply, [.max, 2]), (.divide, [.min, -1]),
    (.negate, [.min]), (.absolute, [.min]),
  ])
  func integerOverflowIsAnError(function: ScalarFunction, operands: [Int64]) throws {
    let error = try #require(throws: EvaluationError.self) { try evaluate(function, operands.map { [$0] }) }
    #expect(error.description == "\(function.rawValue): integer overflow")
  }

  @Test func integerDivisionByZeroIsAnError() throws {
    let error = try #require(throws: EvaluationError.self) { try evaluate(.divide, [[1], [0]]) }
    #expect(error.description == "divide: integer division by zero")
  }

  @Test func convertingWhatNoIntegerHoldsIsAnError() throws {
    let type = TensorType(.int64, [1])
    for value in [Double.infinity, .nan, 1e19, -1e19] {
      let error = try #require(throws: EvaluationError.self) {
        try Convert(to: .int64).evaluate([HostTensor(TensorType(.float64, [1]), .double([value]))], type: type)
      }
      #expect(error.description == "convert: integer overflow")
    }
    let truncated = try Convert(to: .int64).evaluate(
      [HostTensor(TensorType(.float64, [4]), .double([1.9, -1.9, 0.5, -0.5]))], type: TensorType(.int64, [4]))
    #expect(truncated.integers == [1, -1, 0, 0])
  }

  @Test func sumsOfIntegersThatOverflowAreAnError() throws {
    let error = try #require(throws: EvaluationError.self) {
      try Sum(axes: [0]).evaluate([HostTensor([2], [Int64.max, 1])], type: TensorType(.int64, []))
    }
    #expect(error.description == "sum: integer overflow")
  }

  @Test(arguments: [Int64(-1), 3, .max])
  func anIndexOutsideOfTheAxisIsAnError(index: Int64) throws {
    let indices = HostTensor([1], [index])
    let x = HostTensor([3], [Float(1), 2, 3])
    let error = try #require(throws: EvaluationError.self) {
      try Gather(axis: 0).evaluate([x, indices], type: TensorType(.float32, [1]))
    }
    #expect(error.description == "gather: index \(index) is outside 0 ..< 3")
    #expect(throws: EvaluationError.self) {
      try Take(batchRank: 0).evaluate([x, indices], type: TensorType(.float32, [1]))
    }
    #expect(throws: EvaluationError.self) {
      try Scatter(axis: 0, extent: 3).evaluate([HostTensor([1], [Float(1)]), indices], type: TensorType(.float32, [3]))
    }
    #expect(throws: EvaluationError.self) {
      try Untake(batchRank: 0, inner: [3])
        .evaluate([HostTensor([1], [Float(1)]), indices], type: TensorType(.float32, [3]))
    }
  }

  @Test func notANumberPassesThroughMaximumMinimumReluAndClip() {
    for (x, y) in [(Double.nan, 1.0), (1, .nan)] {
      #expect(ScalarFunction.maximum.value(x, y, 0).isNaN)
      #expect(ScalarFunction.minimum.value(x, y, 0).isNaN)
    }
    #expect(ScalarFunction.relu.value(.nan, 0, 0).isNaN)
    #expect(ScalarFunction.clip.value(.nan, 0, 1).isNaN)
    #expect(ScalarFunction.sign.value(.nan, 0, 0).isNaN)
  }

  @Test func sigmoidKeepsItsPrecisionAtBothEnds() {
    #expect(ScalarFunction.sigmoid.value(-800, 0, 0) == 0)
    #expect(ScalarFunction.sigmoid.value(800, 0, 0) == 1)
    #expect(abs(ScalarFunction.sigmoid.value(-40, 0, 0) / exp(-40) - 1) < 1e-12)
  }

  @Test func halvesRoundToTheEvenNeighbour() {
    #expect([0.5, 1.5, 2.5, -0.5, -1.5].map { ScalarFunction.roundHalfEven.value($0, 0, 0) } == [0, 2, 2, 0, -2])
  }

  @Test func theFirstOfEqualElementsWins() throws {
    let x = HostTensor([4], [Float(1), 7, 7, 2])
    #expect(IndexOfMaximum(batchRank: 0).evaluate([x], type: TensorType(.int64, [])).integers == [1])
    let window = Window(kernel: [3], strides: [1], pads: [1], dilations: [1], extents: [4])
    let pooled = WindowIndexOfMaximum(window: window).evaluate(
      [x.reshaped([1, 1, 4])], type: TensorType(.int64, [1, 1, 4]))
    #expect(pooled.integers == [1, 1, 1, 2])
  }

  /// Section 3.2 of the paper with τ = 1e-4: no monotone step, but one that jumps down at 0.
  @Test(arguments: [
    (-Double.infinity, 0.0), (-10.0, 4.999996250003e-7), (-0.01, 0.2928932188134524), (-1e-15, 1), (0, 0),
    (0.01, 0.7071067811865476), (1, 0.9999500037496876), (1e300, 1), (.infinity, 1),
  ])
  func theSmoothedStepHasItsPublishedValues(z: Double, h: Double) {
    #expect(abs(ScalarFunction.smoothedStep.value(z, 0, 0) - h) <= 1e-12 * h)
  }
}
