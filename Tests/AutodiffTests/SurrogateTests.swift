import Autodiff
import IR
import Operators
import TensorTypes
import TestSupport
import Testing

@Suite struct SurrogateTests {
  /// The declared derivative of a surrogate, written a second time and independently of its row; nil for other functions.
  private static func declaredDerivative(_ function: ScalarFunction) -> ((Double) -> Double)? {
    switch function {
    case .stopGradient: { _ in 0 }
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
      let tangent = try Laws.pushforward(try sample.graph(), [x], [direction])[0]
      let expected = zip(x.doubles, direction.doubles).map { declared($0) * $1 }
      #expect(relativeError(tangent, HostTensor(x.type, .double(expected))) <= 1e-12)
      try Laws.pullbackIsAdjoint(try sample.graph(), [x])
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
