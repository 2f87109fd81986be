import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

/// Convolutions that only skip positions, without strides.
@Suite struct SeparateStridesTests {
  private struct Case: CustomTestStringConvertible {
    var role = Convolution.Role.output
    var kernel = [1, 1]
    var strides = [2, 2]
    var pads = [0, 0]
    var groups = 1
    var extents = [7, 8]
    var hasConstantFilter = true

    var testDescription: String {
      "\(role) \(kernel), strides \(strides), pads \(pads), \(groups) groups, \(extents), constant \(hasConstantFilter)"
    }

    func graph() throws -> Graph {
      var generator = SeededGenerator(seed: 3)
      let builder = GraphBuilder()
      let visited = (0..<2).map { (axis: Int) -> Int in
        let room: Int = extents[axis] + 2 * pads[axis] - kernel[axis]
        return room / strides[axis] + 1
      }
      let (wide, narrow) = (Shape([2, 4] + extents), Shape([2, 6] + visited))
      let x = builder.input("x", TensorType(.float32, role == .output ? wide : narrow))
      let shape = Shape([6, 4 / groups] + kernel)
      let filter =
        hasConstantFilter
        ? builder.constant(generator.tensor(shape), name: "filter") : builder.input("filter", TensorType(.float32, shape))
      let convolution = Convolution(
        solving: role, strides: strides, pads: pads, dilations: [1, 1], groups: groups,
        shape: role == .output ? narrow : wide)
      let y = try builder.append(convolution, role == .output ? [x, filter] : [filter, x])
      return builder.finish(name: "strided", outputs: [("y", y)])
    }
  }

  @Test(arguments: [
    Case(), Case(role: .input), Case(strides: [3, 1], extents: [8, 5]),
    Case(role: .input, strides: [3, 1], extents: [8, 5]),
    Case(strides: [4, 5], extents: [1, 5]), Case(role: .input, strides: [2, 4], extents: [9, 9]),
  ])
  private func `a dense convolution and what it skips have the same value`(example: Case) throws {
    let graph = try example.graph()
    let separated = try SeparateStrides.run(graph)
    try separated.verify()
    #expect(separated.nodes.compactMap { ($0.operation as? Convolution)?.strides } == [[1, 1]])
    var generator = SeededGenerator(seed: 5)
    let x = generator.tensor(graph[graph.inputs[0]].type.shape)
    let before: [HostTensor] = try graph.evaluate([x])
    let after: [HostTensor] = try separated.evaluate([x])
    #expect(before[0].doubles.contains { $0 != 0 })
    #expect(after == before)
  }

  @Test(arguments: [
    Case(strides: [1, 1]), Case(kernel: [1, 3]), Case(pads: [0, 1]), Case(groups: 2), Case(role: .input, kernel: [3, 3]),
    Case(hasConstantFilter: false),
  ])
  private func `other convolutions stay`(example: Case) throws {
    let graph = try example.graph()
    #expect(try SeparateStrides.run(graph).text() == graph.text())
  }
}
