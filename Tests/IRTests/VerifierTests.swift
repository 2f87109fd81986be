import IR
import Operators
import TensorTypes
import Testing

@Suite struct VerifierTests {
  private let type = TensorType(.float32, [2])
  private let relu = Node.Content.operation(Elementwise(.relu))

  private func problem(_ nodes: [Node], inputs: [Int], outputs: [(String, Int)]) -> String {
    let graph = Graph(
      name: "g", nodes: nodes, inputs: inputs.map(Value.init),
      outputs: outputs.map { Graph.Output(name: $0.0, value: Value($0.1)) })
    do { try graph.verify() } catch { return error.description }
    return "none"
  }

  private var x: Node { Node(.input(name: "x"), [], type, .unknown) }
  private func relu(_ operand: Int, _ type: TensorType? = nil) -> Node {
    Node(relu, [Value(operand)], type ?? self.type, .unknown)
  }
  private func constant(_ name: String, _ type: TensorType) -> Node {
    Node(.constant(Constant(name: name, tensor: .filled(self.type, with: 1))), [], type, .unknown)
  }

  @Test func aSoundGraphPasses() {
    #expect(problem([x, relu(0)], inputs: [0], outputs: [("y", 1)]) == "none")
  }

  @Test func anOperandThatComesLaterIsFound() {
    #expect(
      problem([x, relu(1)], inputs: [0], outputs: [("y", 1)]) == "graph @g: %1 uses %1, which does not come before it")
  }

  @Test func anOperandThatDoesNotExistIsFound() {
    #expect(problem([x, relu(-1)], inputs: [0], outputs: []) == "graph @g: %1 uses %-1, which does not come before it")
  }

  @Test func aTypeOtherThanTheDerivedOneIsFound() {
    #expect(
      problem([x, relu(0, TensorType(.float32, [3]))], inputs: [0], outputs: [("y", 1)])
        == "graph @g: %1 is f32[3], its operator derives f32[2]")
  }

  @Test func operandsThatTheOperatorRefusesAreFound() {
    let integers = Node(.input(name: "n"), [], TensorType(.int64, [2]), .unknown)
    #expect(
      problem([integers, relu(0)], inputs: [0], outputs: [("y", 1)])
        == "graph @g: %1: relu(i64[2]): operands need to be floating-point")
  }

  @Test func aRepeatedInputNameIsFound() {
    #expect(problem([x, x], inputs: [0, 1], outputs: []) == "graph @g: two inputs are called x")
  }

  @Test func anInputOutsideOfTheSignatureIsFound() {
    #expect(problem([x], inputs: [], outputs: []) == "graph @g: input x is not in the signature")
  }

  @Test func aSignatureThatRepeatsAnInputIsFound() {
    #expect(problem([x], inputs: [0, 0], outputs: []) == "graph @g: the signature repeats or lacks an input")
  }

  @Test func aSignatureInAnotherOrderIsFound() {
    let second = Node(.input(name: "z"), [], type, .unknown)
    #expect(
      problem([x, second], inputs: [1, 0], outputs: [])
        == "graph @g: the signature is not in the order of the input nodes")
  }

  @Test func aRepeatedConstantNameIsFound() {
    #expect(
      problem([constant("w", type), constant("w", type)], inputs: [], outputs: [])
        == "graph @g: two constants are called w")
  }

  @Test func aConstantOfAnotherTypeIsFound() {
    #expect(
      problem([constant("w", TensorType(.float64, [2]))], inputs: [], outputs: [])
        == "graph @g: %0 is f64[2], its tensor f32[2]")
  }

  @Test func anOutputThatDoesNotExistIsFound() {
    #expect(problem([x], inputs: [0], outputs: [("y", 4)]) == "graph @g: output y does not exist")
  }

  @Test func aRepeatedOutputNameIsFound() {
    #expect(problem([x], inputs: [0], outputs: [("y", 0), ("y", 0)]) == "graph @g: two outputs are called y")
  }
}
