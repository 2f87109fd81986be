import Autodiff
import IR
import Operators
import TensorTypes
import TestSupport
import Testing

/// x ↦ 2x with a transpose that forgets the factor, or a wrong value beside a right rule.
private struct BrokenDouble: Multilinear {
  var mnemonic: String { "brokenDouble" }
  var attributes: Attributes { [:] }
  var derivative: Derivative { .linear(self) }
  func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType { operands[0] }
  func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor {
    HostTensor(type, .double(operands[0].doubles.map { 2 * $0 }))
  }
  func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm { .map(.literal(0)) }
  func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  { try graph.elementwise(.negate, try graph.elementwise(.negate, cotangent)) }
}

/// x ↦ x² whose partial is stated as 3x.
private struct BrokenSquare: Operator {
  var mnemonic: String { "brokenSquare" }
  var attributes: Attributes { [:] }
  var derivative: Derivative { .elementwise([3 * .operand(0)]) }
  func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType { operands[0] }
  func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor {
    HostTensor(type, .double(operands[0].doubles.map { $0 * $0 }))
  }
  func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm { .map(.literal(0)) }
}

/// The laws find operators that break them.
@Suite struct LawTests {
  private let sample = HostTensor(TensorType(.float32, [3]), .double([0.5, -1, 2]))

  @Test func aTransposeThatIsNoAdjointIsFound() throws {
    let graph = try Sample(BrokenDouble(), [sample]).graph()
    try Laws.pushforwardAgreesWithDifferences(graph, [sample])
    #expect(throws: LawViolation.self) { try Laws.pullbackIsAdjoint(graph, [sample]) }
  }

  @Test func aWrongPartialIsFound() throws {
    let graph = try Sample(BrokenSquare(), [sample]).graph()
    try Laws.pullbackIsAdjoint(graph, [sample])
    #expect(throws: LawViolation.self) { try Laws.pushforwardAgreesWithDifferences(graph, [sample]) }
  }

  @Test func centralDifferencesOfACubicAreExact() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", sample.type)
    let cube = try builder.multiply(try builder.multiply(x, x), x)
    let graph = builder.finish(name: "g", outputs: [("y", cube)])
    let direction = HostTensor.filled(sample.type, with: 1)
    let expected = HostTensor(sample.type, .double([0.75, 3, 12]))
    let found = try graph.centralDifferences(at: [sample], along: [direction])[0]
    #expect(relativeError(found, expected) < 1e-11)
  }

  @Test func relativeErrorsSeeWhatIsNotFinite() {
    let type = TensorType(.float64, [2])
    func tensor(_ a: Double, _ b: Double) -> HostTensor { HostTensor(type, .double([a, b])) }
    #expect(relativeError(tensor(1, .infinity), tensor(1, .infinity)) == 0)
    #expect(relativeError(tensor(1, .nan), tensor(1, .nan)) == 0)
    #expect(relativeError(tensor(1, .nan), tensor(1, 2)) == .infinity)
    #expect(relativeError(tensor(1, 2), tensor(1, .infinity)) == .infinity)
    #expect(relativeError(tensor(1, 2.5), tensor(1, 2)) == 0.25)
    #expect(relativeError(tensor(0.1, 0), tensor(0, 0)) == 0.1)
  }
}
