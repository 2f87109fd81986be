import IR
import Operators
import TensorTypes
import TestSupport
import Testing

@testable import Passes

@Suite struct SimplifyTests {
  @Test(arguments: Simplify.rules.map(\.law))
  func everyLawHasAnExample(law: String) {
    #expect(SimplifyExample.all.contains { $0.law == law }, "add an example to SimplifyExamples.swift")
  }

  @Test(arguments: SimplifyExample.all)
  func theLawRewritesItsExampleAndKeepsValueAndDerivative(example: SimplifyExample) throws {
    #expect(Simplify.rules.contains { $0.law == example.law }, "there is no such law")
    let type = try resultType(example)
    let text = "graph @g(\(example.inputs)) -> (y: \(type)) {\n\(example.before)\n}\n"
    let graph = try Graph(parsing: text, catalog: Catalog.operators)
    let simplified = try Simplify.run(graph)
    let lines = simplified.text().split(separator: "\n").dropFirst().dropLast().map { $0.dropFirst(2) }
    #expect(lines.joined(separator: "\n") == example.after)

    var generator = SeededGenerator(seed: 71)
    let inputs = graph.inputs.map { value -> HostTensor in
      let type = graph[value].type
      return type.element.isInteger ? generator.integers(type.shape, in: 0..<4) : generator.tensor(type.shape, in: 0.2...1.5)
    }
    try expectSameSignature(simplified, graph)
    try expectSameValues(simplified, graph, inputs, tolerance: 1e-14)
    try expectSameDerivatives(simplified, graph, inputs)
  }

  /// The type that the last operation of an example states.
  private func resultType(_ example: SimplifyExample) throws -> String {
    let lines = example.before.split(separator: "\n")
    return String(try #require(lines[lines.count - 2].split(separator: " ").last))
  }

  /// Equalities of values that are none of derivatives, or only hold for finite operands.
  @Test(arguments: [
    "%1 = relu(%x) : f32[2]\n%2 = relu(%1) : f32[2]\nreturn %2",
    "%1 = constant @c [0.0, 0.0] : f32[2]\n%2 = multiply(%x, %1) : f32[2]\nreturn %2",
    "%1 = subtract(%x, %x) : f32[2]\nreturn %1",
    "%1 = stopGradient(%x) : f32[2]\nreturn %1",
    "%1 = convert(%x) {to = i32} : i32[2]\n%2 = convert(%1) {to = f32} : f32[2]\nreturn %2",
  ])
  func whatIsNoLawStays(body: String) throws {
    let graph = try Graph(parsing: "graph @g(%x: f32[2]) -> (y: f32[2]) {\n\(body)\n}\n", catalog: Catalog.operators)
    #expect(try Simplify.run(graph) == graph)
  }

  @Test func indicesOutOfRangeStayAnError() throws {
    let text = """
      graph @g(%x: f32[3]) -> (y: f32[2]) {
        %1 = constant @i [2, 3] : i64[2]
        %2 = gather(%x, %1) {axis = 0} : f32[2]
        return %2
      }

      """
    let graph = try Graph(parsing: text, catalog: Catalog.operators)
    #expect(try Simplify.run(graph) == graph)
  }

  @Test func aReplacementTakesOverTheLocation() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 3]))
    let inner = try builder.reshape(x, [6])
    builder.location = Location(node: "flatten", derivation: "pullback of reshape")
    let graph = builder.finish(name: "g", outputs: [("y", try builder.reshape(inner, [3, 2]))])
    let simplified = try Simplify.run(graph)
    #expect(simplified.nodes.last?.location == Location(node: "flatten", derivation: "pullback of reshape"))
  }
}
