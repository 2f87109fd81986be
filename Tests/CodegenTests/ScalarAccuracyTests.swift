import Foundation
import IR
import Operators
import TensorTypes
import TestSupport
import Testing

/// The vector functions keep the accuracy that the prelude states.
@Suite struct ScalarAccuracyTests {
  /// f32 numbers that cover a range evenly, and evenly in their exponents.
  private func numbers(_ range: ClosedRange<Float>) -> [Float] {
    let even = (0...20_000).map { range.lowerBound + (range.upperBound - range.lowerBound) * Float($0) / 20_000 }
    let exponents = (0...10_000).flatMap { step -> [Float] in
      let magnitude = Float(pow(2, -20 + 27 * Double(step) / 10_000))
      return [magnitude, -magnitude]
    }
    return even + exponents.filter(range.contains)
  }

  @Test(
    arguments: [
      (ScalarFunction.exponential, -87...88, 2.0), (.logarithm, 1e-30...1e30, 2), (.hyperbolicTangent, -12...12, 2),
      (.sigmoid, -80...40, 4), (.errorFunction, -5...5, 4), (.squareRoot, 0...1e6, 0.5000001),
      (.smoothedStep, -1e3...1e3, 4), (.smoothedStep, -0.1...0.1, 4),
      (.smoothedStepSlope, -1e3...1e3, 6), (.smoothedStepSlope, -0.1...0.1, 6),
    ] as [(ScalarFunction, ClosedRange<Float>, Double)])
  func unitsInTheLastPlace(function: ScalarFunction, range: ClosedRange<Float>, bound: Double) throws {
    let x = numbers(range)
    let builder = GraphBuilder()
    let input = builder.input("x", TensorType(.float32, [x.count]))
    let graph = builder.finish(name: "f", outputs: [("y", try builder.elementwise(function, input))])
    let found = try CompiledFamily([graph]).run(graph, [HostTensor([x.count], x)])[0].floats
    var worst = (error: 0.0, at: Float(0))
    for (x, y) in zip(x, found) {
      let exact = function.value(Double(x), 0, 0)
      let unit = Double(max(Float(abs(exact)).ulp, Float.leastNormalMagnitude))
      let error = abs(Double(y) - exact) / unit
      if !(error <= worst.error) { worst = (error, x) }
    }
    #expect(worst.error <= bound, "\(function) at \(worst.at)")
  }

  @Test("Infinities, zeros and NaN give what the reference gives")
  func specialValues() throws {
    let x: [Float] = [.infinity, -.infinity, .nan, 0, -0.0, 200, -200, 3e38, -3e38]
    let functions: [ScalarFunction] = [
      .exponential, .logarithm, .hyperbolicTangent, .sigmoid, .errorFunction, .relu, .absolute, .sign, .step, .floor,
      .smoothedStep,
    ]
    let builder = GraphBuilder()
    let input = builder.input("x", TensorType(.float32, [x.count]))
    var outputs: [(String, Value)] = []
    for function in functions { outputs.append((function.rawValue, try builder.elementwise(function, input))) }
    let graph = builder.finish(name: "f", outputs: outputs)
    for (function, tensor) in zip(functions, try CompiledFamily([graph]).run(graph, [HostTensor([x.count], x)])) {
      for (x, y) in zip(x, tensor.floats) {
        let expected = Float(function.value(Double(x), 0, 0))
        let agrees = y == expected || (y.isNaN && expected.isNaN) || abs(y - expected) < 1e-37
        #expect(agrees, "\(function)(\(x)) = \(y), expected \(expected)")
      }
    }
  }

  @Test func `the slope of the smoothed step is zero far away and largest at zero`() throws {
    let x: [Float] = [.infinity, -.infinity, 3e38, -3e38, 1e19, -1e19, 0, -0.0, .nan]
    let builder = GraphBuilder()
    let slope = try builder.elementwise(.smoothedStepSlope, builder.input("x", TensorType(.float32, [x.count])))
    let graph = builder.finish(name: "f", outputs: [("y", slope)])
    let found = try CompiledFamily([graph]).run(graph, [HostTensor([x.count], x)])[0].floats
    #expect(found[..<6].allSatisfy { $0 == 0 } && found[6...7].allSatisfy { abs($0 - 100) < 1e-4 } && found[8].isNaN)
  }
}
