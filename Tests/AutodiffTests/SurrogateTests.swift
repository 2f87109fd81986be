import Autodiff
import Foundation
import IR
import Operators
import TensorTypes
import TestSupport
import Testing

@Suite struct SurrogateTests {
  /// The declared derivative of a surrogate, written a second time and independently of its row; nil for other functions.
  private static func declaredDerivative(_ function: ScalarFunction)
    -> ((_ x: Double, _ lo: Double, _ hi: Double) -> Double)?
  {
    func h(_ z: Double) -> Double {
      if z.isInfinite { return z > 0 ? 1 : 0 }
      return z / (z * z + 1e-4).squareRoot() + (z < 0 ? 1 : 0)
    }
    func sigmoid(_ z: Double) -> Double { 1 / (1 + exp(-z)) }
    return switch function {
    case .stopGradient: { _, _, _ in 0 }
    case .roundStraightThrough: { _, _, _ in 1 }
    case .reluSmoothed: { x, _, _ in h(x) }
    case .reluSigmoid: { x, _, _ in sigmoid(x) }
    case .clipSmoothed: { x, lo, hi in h(x - lo) - h(x - hi) }
    case .clipSigmoid: { x, lo, hi in sigmoid(x - lo) - sigmoid(x - hi) }
    default: nil
    }
  }

  @Test(arguments: ScalarFunction.allCases.filter(\.isSurrogate))
  func theDerivativeOfASurrogateIsTheDeclaredOne(function: ScalarFunction) throws {
    let declared = try #require(Self.declaredDerivative(function), "state the declared derivative of \(function)")
    for sample in Samples.all where sample.operation.mnemonic == function.rawValue {
      guard let x = sample.operands.first, x.type.element.isFloatingPoint else { continue }
      var generator = SeededGenerator(seed: 51)
      let direction = generator.direction(x.type)
      // The bounds of Clip stay as they are.
      let still = sample.operands.dropFirst().map { HostTensor.zeros($0.type) }
      let tangent = try Laws.pushforward(try sample.graph(), sample.operands, [direction] + still)[0]
      let expected = x.doubles.indices.map { index in
        let operands = sample.operands.map { $0.doubles[index] } + [0, 0]
        return declared(operands[0], operands[1], operands[2]) * direction.doubles[index]
      }
      #expect(relativeError(tangent, HostTensor(x.type, .double(expected))) <= 1e-12)
      try Laws.pullbackIsAdjoint(try sample.graph(), sample.operands)
    }
  }

  /// τ = 1e-4; h jumps from 1 to 0 at 0, h′ = τ / (z² + τ)^(3/2) on both sides, h″ = −3 τ z / (z² + τ)^(5/2).
  @Test(arguments: [
    (-1e4, 5e-13, 1e-16, 3e-20), (-10.0, 4.9999962500e-7, 9.9999850000e-8, 2.9999925e-8),
    (-0.01, 0.2928932188134524, 35.35533905932738, 5303.300858899107), (-1e-12, 1, 100, 3e-6), (0, 0, 100, 0),
    (0.01, 0.7071067811865476, 35.35533905932738, -5303.300858899107),
    (1, 0.9999500037496876, 9.998500187e-5, -2.99925013121718e-4),
  ])
  func theSmoothedStepAndItsDerivatives(z: Double, h: Double, first: Double, second: Double) throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, []))
    var values = [try builder.elementwise(.reluSmoothed, x)]
    for _ in 1...3 { values += try builder.pullback([(values[values.count - 1], builder.scalar(1, .float64))], to: [x]) }
    let graph = builder.finish(name: "h", outputs: values.enumerated().map { ("y\($0.offset)", $0.element) })
    let found: [HostTensor] = try graph.evaluate([.scalar(z, .float64)])
    for (found, expected) in zip(found, [max(z, 0), h, first, second]) {
      #expect(abs(found.doubles[0] - expected) <= 1e-8 * abs(expected), "\(found.doubles[0]) for \(expected)")
    }
  }

  @Test func noDerivativeIsTakenOfAClosedGraph() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [3]))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.elementwise(.reluSmoothed, x))]).closed()
    let expected = "the graph is closed: its surrogates are erased; differentiate before EraseSurrogates runs"
    for derivative in [
      { try graph.pullback() }, { try graph.pushforward() }, { try graph.gradient(of: "y", withRespectTo: ["x"]) },
      { try graph.hessianVectorProduct(of: "y", withRespectTo: "x") },
    ] as [() throws -> Graph] {
      let error = try #require(throws: TypeError.self) { try derivative() }
      #expect(error.problem == expected)
    }
  }

  @Test func theShiftOfSoftmaxHasNoPartInItsDerivative() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [1, 3]))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.logSumExp(x, axes: [1]))])
    let gradient = try graph.gradient(of: "y", withRespectTo: ["x"])
    #expect(!gradient.nodes.contains { $0.location.derivation == "pullback of take" })
  }
}
