import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

/// The gradient of an image with respect to few channels, as a dense convolution of all phases at once.
@Suite struct MergePhasesTests {
  private struct Case: CustomTestStringConvertible {
    let kernel: [Int]
    let strides: [Int]
    let pads: [Int]
    let channels: Int
    let extents: [Int]

    var testDescription: String { "kernel \(kernel), strides \(strides), pads \(pads), \(channels) channels, \(extents)" }

    /// Backward-data with a constant filter, for a cotangent of as many positions as the forward convolution leaves.
    func graph() throws -> Graph {
      var generator = SeededGenerator(seed: UInt64(channels + extents[0]))
      let builder = GraphBuilder()
      let outputs = (0..<2).map { (axis: Int) -> Int in
        let room: Int = extents[axis] + 2 * pads[axis] - kernel[axis]
        return room / strides[axis] + 1
      }
      let cotangent = builder.input("cotangent", TensorType(.float32, Shape([2, 5] + outputs)))
      let filter = builder.constant(generator.tensor(Shape([5, channels] + kernel)), name: "filter")
      let convolution = Convolution(
        solving: .input, strides: strides, pads: pads, dilations: [1, 1], groups: 1, shape: Shape([2, channels] + extents))
      return builder.finish(name: "image", outputs: [("x", try builder.append(convolution, [filter, cotangent]))])
    }
  }

  private static let cases: [Case] = [
    Case(kernel: [7, 7], strides: [2, 2], pads: [3, 3], channels: 3, extents: [14, 14]),
    Case(kernel: [7, 5], strides: [2, 2], pads: [3, 2], channels: 4, extents: [13, 16]),
    Case(kernel: [3, 3], strides: [2, 1], pads: [0, 1], channels: 1, extents: [9, 7]),
    Case(kernel: [2, 3], strides: [3, 2], pads: [0, 0], channels: 2, extents: [10, 11]),
    Case(kernel: [4, 4], strides: [4, 4], pads: [0, 0], channels: 1, extents: [8, 12]),
    Case(kernel: [1, 1], strides: [2, 2], pads: [0, 0], channels: 3, extents: [5, 6]),
  ]

  private func convolutions(_ graph: Graph) -> [Convolution] { graph.nodes.compactMap { $0.operation as? Convolution } }

  @Test(arguments: cases)
  private func `one dense convolution has the value of all phases`(example: Case) throws {
    let graph = try example.graph()
    let merged = try MergePhases.run(graph)
    try merged.verify()
    let dense = convolutions(merged)
    #expect(dense.count == 1)
    #expect(dense.allSatisfy { $0.solving == .output && $0.strides == [1, 1] })
    var generator = SeededGenerator(seed: 5)
    let cotangent = generator.tensor(graph[graph.inputs[0]].type.shape)
    let before: [HostTensor] = try graph.evaluate([cotangent]), after: [HostTensor] = try merged.evaluate([cotangent])
    #expect(before[0].doubles.contains { $0 != 0 })
    #expect(relativeError(after[0], before[0]) <= 1e-14)
  }

  @Test(arguments: [
    // The phases would not fit into one vector.
    Case(kernel: [3, 3], strides: [2, 2], pads: [1, 1], channels: 5, extents: [8, 8]),
    // There is one phase.
    Case(kernel: [3, 3], strides: [1, 1], pads: [1, 1], channels: 3, extents: [8, 8]),
    // The filter reaches no further than the padding.
    Case(kernel: [1, 1], strides: [2, 2], pads: [2, 2], channels: 3, extents: [8, 8]),
  ])
  private func `other convolutions stay`(example: Case) throws {
    let graph = try example.graph()
    #expect(try MergePhases.run(graph).text() == graph.text())
  }
}
