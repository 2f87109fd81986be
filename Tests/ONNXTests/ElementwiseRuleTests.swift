import Foundation
import SampleModels
import Testing

@testable import ONNX

/// Every elementwise rule against the formula of the ONNX operator, written out here.
@Suite struct ElementwiseRuleTests {
  private struct Sample: CustomStringConvertible, Sendable {
    let type: String
    var attributes: [Wire] = []
    let formula: @Sendable (Double) -> Double
    var description: String { type }
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
  private static func softplus(_ x: Double) -> Double { log(1 + exp(x)) }
  private static func elu(_ x: Double, _ alpha: Double) -> Double { x > 0 ? x : alpha * (exp(x) - 1) }

  private static let samples: [Sample] = [
    Sample(type: "Relu") { max($0, 0) },
    Sample(type: "LeakyRelu") { $0 < 0 ? 0.01 * $0 : $0 },
    Sample(type: "LeakyRelu", attributes: [attribute("alpha", float: 0.25)]) { $0 < 0 ? 0.25 * $0 : $0 },
    Sample(type: "ThresholdedRelu", attributes: [attribute("alpha", float: 2)]) { $0 > 2 ? $0 : 0 },
    Sample(type: "Shrink", attributes: [attribute("lambd", float: 1), attribute("bias", float: 0.5)]) {
      $0 < -1 ? $0 + 0.5 : $0 > 1 ? $0 - 0.5 : 0
    },
    Sample(type: "Sigmoid", formula: sigmoid),
    Sample(type: "HardSigmoid") { min(max(Double(Float(0.2)) * $0 + 0.5, 0), 1) },
    Sample(type: "HardSigmoid", attributes: [attribute("alpha", float: 0.25), attribute("beta", float: 0.75)]) {
      min(max(0.25 * $0 + 0.75, 0), 1)
    },
    Sample(type: "HardSwish") { $0 * min(max($0 / 6 + 0.5, 0), 1) },
    Sample(type: "Elu", attributes: [attribute("alpha", float: 2)]) { elu($0, 2) },
    Sample(type: "Celu", attributes: [attribute("alpha", float: 2)]) { $0 > 0 ? $0 : 2 * (exp($0 / 2) - 1) },
    Sample(type: "Selu") { 1.0507009873554805 * elu($0, 1.6732632423543772) },
    Sample(type: "Softplus", formula: softplus),
    Sample(type: "Mish") { $0 * tanh(softplus($0)) },
    Sample(type: "Softsign") { $0 / (1 + abs($0)) },
    Sample(type: "Abs") { abs($0) }, Sample(type: "Neg") { -$0 }, Sample(type: "Exp") { exp($0) },
    Sample(type: "Tanh") { tanh($0) }, Sample(type: "Erf") { erf($0) }, Sample(type: "Identity") { $0 },
  ]

  @Test(arguments: samples.indices)
  func `elementwise operators are their formulas`(index: Int) throws {
    let sample = Self.samples[index]
    let found = try SingleNode(type: sample.type, shape: [13], attributes: sample.attributes).result(minus: 6).doubles
    for (position, y) in found.enumerated() {
      let expected = sample.formula(Double(position) - 6)
      #expect(abs(y - expected) <= 1e-6 * max(1, abs(expected)), "\(sample) of \(position - 6)")
    }
  }

  @Test func `functions of positive numbers are their formulas`() throws {
    let formulas: [(String, (Double) -> Double)] = [
      ("Log", { log($0) }), ("Sqrt", { $0.squareRoot() }), ("Reciprocal", { 1 / $0 }),
    ]
    for (type, formula) in formulas {
      let found = try SingleNode(type: type, shape: [9]).result(minus: -0.5).doubles
      for (position, y) in found.enumerated() {
        let expected = formula(Double(position) + 0.5)
        #expect(abs(y - expected) <= 1e-12 * abs(expected), "\(type) of \(Double(position) + 0.5)")
      }
    }
  }

  @Test func `operators of two operands broadcast the second`() throws {
    let formulas: [(String, (Double, Double) -> Double)] = [
      ("Add", { $0 + $1 }), ("Sub", { $0 - $1 }), ("Mul", { $0 * $1 }), ("Div", { $0 / $1 }), ("Pow", { pow($0, $1) }),
    ]
    let second: [Float] = [2, 0.5, 3]
    for (type, formula) in formulas {
      let found = try SingleNode(type: type, shape: [4, 3], operands: [tensor("c0", [3], second)]).result(minus: -1)
      #expect(found.doubles.count == 12)
      for (position, y) in found.doubles.enumerated() {
        let expected = formula(Double(position) + 1, Double(second[position % 3]))
        #expect(abs(y - expected) <= 1e-12 * abs(expected), "\(type) at \(position)")
      }
    }
  }

  @Test func `GlobalAveragePool is the mean over everything behind the channels`() throws {
    let found = try SingleNode(type: "GlobalAveragePool", shape: [2, 2, 2, 3]).result()
    #expect(found.shape.extents == [2, 2, 1, 1])
    #expect(found.doubles == [2.5, 8.5, 14.5, 20.5])
  }
}
