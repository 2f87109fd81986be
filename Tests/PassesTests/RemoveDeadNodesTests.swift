import IR
import Operators
import Passes
import TensorTypes
import Testing

@Suite struct RemoveDeadNodesTests {
  @Test func unusedOperationsAndConstantsGoAndUnusedInputsStay() throws {
    let builder = GraphBuilder()
    let unused = builder.input("unused", TensorType(.float32, [2]))
    let x = builder.input("x", TensorType(.float32, [2]))
    _ = try builder.add(try builder.elementwise(.relu, unused), 3)
    let y = try builder.elementwise(.negate, x)
    let graph = try RemoveDeadNodes.run(builder.finish(name: "g", outputs: [("y", y)]))
    try graph.verify()
    #expect(
      graph.text() == """
        graph @g(%unused: f32[2], %x: f32[2]) -> (y: f32[2]) {
          %2 = negate(%x) : f32[2]
          return %2
        }

        """)
  }

  @Test func aGraphWithNothingDeadStaysTheSame() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2]))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.add(x, 1)), ("x", x)])
    #expect(try RemoveDeadNodes.run(graph) == graph)
  }
}
