import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

@Suite struct NestConcatenationsTests {
  /// Concatenations of the first n of some inputs, for each n given.
  private func growing(_ counts: [Int], axis: Int = 1) throws -> Graph {
    let builder = GraphBuilder()
    let parts = (0..<4).map { builder.input("x\($0)", TensorType(.float32, [2, 3])) }
    var outputs: [(String, Value)] = []
    for (number, count) in counts.enumerated() {
      outputs.append(("y\(number)", try builder.append(Concatenate(axis: axis), Array(parts[..<count]))))
    }
    return builder.finish(name: "growing", outputs: outputs)
  }

  private func operandCounts(_ graph: Graph) -> [Int] {
    graph.nodes.filter { $0.operation is Concatenate }.map(\.operands.count)
  }

  @Test func eachConcatenationBeginsWithTheLongestOneBeforeIt() throws {
    let graph = try growing([2, 3, 4])
    let nested = try NestConcatenations.run(graph)
    #expect(operandCounts(nested) == [2, 2, 2])
    var generator = SeededGenerator(seed: 3)
    let inputs = (0..<4).map { _ in generator.tensor([2, 3]) }
    let before: [HostTensor] = try graph.evaluate(inputs), after: [HostTensor] = try nested.evaluate(inputs)
    #expect(before == after)
  }

  @Test func missingStepsLeaveLongerTails() throws {
    #expect(operandCounts(try NestConcatenations.run(growing([2, 4]))) == [2, 3])
  }

  @Test func nothingNestsThatDoesNotBeginAlike() throws {
    #expect(operandCounts(try NestConcatenations.run(growing([4, 2]))) == [4, 2])
    let builder = GraphBuilder()
    let a = builder.input("a", TensorType(.float32, [2, 2])), b = builder.input("b", TensorType(.float32, [2, 2]))
    let rows = try builder.append(Concatenate(axis: 0), [a, b])
    let columns = try builder.append(Concatenate(axis: 1), [a, b, a])
    let graph = builder.finish(name: "axes", outputs: [("rows", rows), ("columns", columns)])
    #expect(operandCounts(try NestConcatenations.run(graph)) == [2, 3])
  }
}
