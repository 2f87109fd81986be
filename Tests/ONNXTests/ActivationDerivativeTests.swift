import Autodiff
import Foundation
import IR
import Operators
import Passes
import SampleModels
import TensorTypes
import Testing

@testable import ONNX

/// What the paper's h makes of the derivative of each activation.
@Suite struct ActivationDerivativeTests {
  private struct Activation: CustomStringConvertible, Sendable {
    let node: SingleNode
    let note: String
    /// The declared derivative; nil where the operator keeps its own.
    var declared: (@Sendable (Double) -> Double)?
    var description: String { node.type + note }

    init(_ node: SingleNode, _ note: String = "", _ declared: (@Sendable (Double) -> Double)? = nil) {
      (self.node, self.note, self.declared) = (node, note, declared)
    }
    init(_ type: String, _ attributes: [Wire] = [], _ declared: (@Sendable (Double) -> Double)? = nil) {
      self.init(SingleNode(type: type, shape: [1, 2, 1, 21], attributes: attributes), "", declared)
    }
  }

  private static func h(_ z: Double) -> Double { z / (z * z + 1e-4).squareRoot() + (z < 0 ? 1 : 0) }
  private static func slope(_ s: Double, _ z: Double) -> Double { s + (1 - s) * h(z) }
  private static func clip(_ bounds: [Float?], _ note: String, _ declared: @escaping @Sendable (Double) -> Double)
    -> Activation
  {
    let operands = bounds.enumerated().map { index, bound in bound.map { tensor("c\(index)", [], [$0]) } }
    return Activation(SingleNode(type: "Clip", shape: [1, 2, 1, 21], operands: operands), note, declared)
  }

  private static let activations: [Activation] = [
    Activation("Relu", [], h),
    clip([0, 6], " to 0 ... 6") { h($0) - h($0 - 6) },
    clip([-1.5, nil], " from -1.5") { h($0 + 1.5) },
    clip([nil, 2.5], " to 2.5") { 1 - h($0 - 2.5) },
    Activation("LeakyRelu", [attribute("alpha", float: 0.25)]) { slope(0.25, $0) },
    Activation("LeakyRelu") { slope(Double(Float(0.01)), $0) },
    Activation("HardSigmoid", [attribute("alpha", float: 0.25), attribute("beta", float: 0.75)]) {
      0.25 * (h(0.25 * $0 + 0.75) - h(0.25 * $0 - 0.25))
    },
    Activation("HardSwish") { x in
      let u = x / 6 + 0.5
      return min(max(u, 0), 1) + x / 6 * (h(u) - h(u - 1))
    },
    Activation("Elu"), Activation("Selu"), Activation("Celu"), Activation("ThresholdedRelu"), Activation("Shrink"),
    Activation("Sigmoid"), Activation("Tanh"), Activation("Softplus"), Activation("Swish"), Activation("Mish"),
    Activation("Softsign"), Activation("Abs"),
    Activation(SingleNode(type: "Gelu", opset: 20, shape: [1, 2, 1, 21])),
    Activation(SingleNode(type: "Max", shape: [1, 2, 1, 21], operands: [tensor("c0", [], [0 as Float])])),
    Activation(
      SingleNode(type: "MaxPool", shape: [1, 2, 1, 21], attributes: [attribute("kernel_shape", [1, 3] as [Int64])])),
  ]

  /// 0.31 apart, off every kink.
  private static let points: [Double] = (0..<42).map { 0.31 * Double($0) - 6.6 }

  private func derivative(_ graph: Graph) throws -> [Double] {
    let pullback = try graph.pullback()
    let result = pullback[pullback.outputs[0].value].type
    let point = HostTensor(TensorType(.float32, [1, 2, 1, 21]), .double(Self.points))
    return try pullback.evaluate([point, .filled(result, with: 1)])[1].doubles
  }

  @Test(arguments: activations.indices)
  func `h takes the place of the step, and smooth functions stay`(index: Int) throws {
    let activation = Self.activations[index]
    let graph = try activation.node.graph()
    let substituted = try SubstituteDerivatives(all: .smoothed).run(graph)
    guard let declared = activation.declared else {
      #expect(substituted == graph, "\(activation)")
      return
    }
    for (x, found) in zip(Self.points, try derivative(substituted)) {
      #expect(abs(found - declared(x)) <= 1e-7, "\(activation) at \(x)")
    }
    #expect(try EraseSurrogates.run(substituted) == graph.closed())
  }

  @Test func `the slopes of PRelu are those of its channels`() throws {
    let slopes: [Float] = [0.25, -0.5]
    let graph = try SingleNode(type: "PRelu", shape: [1, 2, 1, 21], operands: [tensor("c0", [2, 1, 1], slopes)]).graph()
    let own = try derivative(graph)
    let smoothed = try derivative(try SubstituteDerivatives(all: .smoothed).run(graph))
    for (place, x) in Self.points.enumerated() {
      let s = Double(slopes[place / 21])
      #expect(own[place] == (x > 0 ? 1 : s))
      #expect(abs(smoothed[place] - Self.slope(s, x)) <= 1e-12)
    }
  }

  @Test func `at 0 LeakyRelu has its slope, Relu and a Clip of one bound 0`() throws {
    func atZero(_ node: SingleNode) throws -> Double {
      let pullback = try node.graph().pullback()
      let type = TensorType(.float32, [1])
      return try pullback.evaluate([HostTensor(type, .double([0])), HostTensor(type, .double([1]))])[1].doubles[0]
    }
    #expect(try atZero(SingleNode(type: "LeakyRelu", shape: [1], attributes: [attribute("alpha", float: 0.25)])) == 0.25)
    #expect(try atZero(SingleNode(type: "Relu", shape: [1])) == 0)
    #expect(try atZero(SingleNode(type: "Clip", shape: [1], operands: [tensor("c0", [], [0 as Float])])) == 0)
  }
}
