import Autodiff
import IR
import Operators
import Passes
import TensorTypes
import TestSupport
import Testing

/// Compiled f32 gradients through surrogates against the same graphs in f64.
@Suite struct SurrogateAccuracyTests {
  /// From −100 to 100, evenly and near the kink.
  private static let points: [Float] =
    (0...2_000).map { Float($0) / 10 - 100 } + (1...400).flatMap { [Float($0) * 1e-4, Float($0) * -1e-4] }

  private struct Case: Sendable {
    let graph: Graph
    let inputs: [HostTensor]
    /// The size of the terms that the derivative is a difference of.
    let scale: Double
  }

  private static func cases() throws -> [Case] {
    let count = points.count
    let cotangent = HostTensor([count], points.indices.map { $0 % 3 == 0 ? -1.5 : 0.75 } as [Float])
    var cases: [Case] = []
    for derivative in Samples.derivatives {
      for function in [ScalarFunction.relu, .leakyRelu, .clip] where derivative.isDefined(on: function) {
        let builder = GraphBuilder()
        let x = builder.input("x", TensorType(.float32, [count]))
        let others: [Double] = function == .relu ? [] : function == .clip ? [0, 6] : [0.125]
        let operands = try [x] + others.map { try builder.broadcast(builder.scalar($0, .float32), to: [count]) }
        let y = try builder.append(Elementwise(function, declaring: derivative), operands)
        let pullback = try builder.finish(name: "f", outputs: [("y", y)]).pullback()
        cases.append(
          Case(
            graph: try Pipeline.simplify(pullback).renamed("case\(cases.count)"),
            inputs: [HostTensor([count], points), cotangent], scale: function == .clip ? 1 : 0))
      }
    }
    return cases
  }

  /// Within 1e-6 of each value, and for Clip, whose derivative is a difference of two steps, of a step.
  @Test func gradientsThroughSurrogatesDoNotCancel() throws {
    let cases = try Self.cases()
    #expect(cases.count == 12)
    let family = try CompiledFamily(cases.map(\.graph))
    for sample in cases {
      let found = try family.run(sample.graph, sample.inputs)
      let expected: [HostTensor] = try sample.graph.evaluate(sample.inputs)
      for (found, expected) in zip(found, expected) {
        var worst = (error: 0.0, at: Float(0))
        for (place, (a, b)) in zip(found.doubles, expected.doubles).enumerated() {
          // The step and its product with the cotangent, 1.5 at most, count as zero where they are denormal in f32.
          let error = max(abs(a - b) - 1.5 * Double(Float.leastNormalMagnitude), 0) / max(abs(b), sample.scale, 1e-300)
          if !(error <= worst.error) { worst = (error, Self.points[place]) }
        }
        #expect(worst.error <= 1e-6, "at \(worst.at) in\n\(sample.graph.text())")
      }
    }
  }
}
