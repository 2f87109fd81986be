import Autodiff
import Foundation
import IR
import Operators
import TensorTypes
import TestSupport
import Testing

@Suite struct SurrogateTests {
  /// The cotangent of the first operand, x, from that of the result, g, written a second time and independently of the
  /// operator; the operands are x and the slope of LeakyRelu, or x and both bounds of Clip.
  private static func declaredCotangent(_ operation: Elementwise, _ x: Double, _ rest: [Double], _ g: Double) -> Double {
    func h(_ z: Double) -> Double {
      if z.isInfinite { return z > 0 ? 1 : 0 }
      return z / (z * z + 1e-4).squareRoot() + (z < 0 ? 1 : 0)
    }
    func step(_ step: (Double) -> Double) -> Double {
      switch operation.function {
      case .clip: g * (step(x - rest[0]) - step(x - rest[1]))
      case .leakyRelu: g * (rest[0] + (1 - rest[0]) * step(x))
      default: g * step(x)
      }
    }
    return switch operation.declared {
    case .plain: 0
    case .straightThrough: g
    case .smoothed: step(h)
    case .softplus(let sharpness): step { 1 / (1 + exp(-sharpness * $0)) }
    case .guided:
      switch operation.function {
      case .clip: max(g, 0) * (x > rest[0] && x < rest[1] ? 1 : 0)
      case .leakyRelu: max(g, 0) * (x > 0 ? 1 : rest[0])
      default: x > 0 && g > 0 ? g : 0
      }
    }
  }

  /// The surrogates that declare something of floating-point operands.
  private static let samples: [Sample] = Samples.surrogates.filter { $0.operands[0].type.element.isFloatingPoint }

  @Test(arguments: samples)
  func theDerivativeOfASurrogateIsTheDeclaredOne(sample: Sample) throws {
    let operation = try #require(sample.operation as? Elementwise)
    let pullback = try sample.graph().pullback()
    var generator = SeededGenerator(seed: 51)
    let g = generator.direction(sample.operands[0].type)
    let found = try pullback.evaluate(
      Dictionary(
        uniqueKeysWithValues: sample.operands.enumerated().map { ("x\($0.offset)", $0.element) } + [("cotangent.y", g)]))
    let expected = g.doubles.indices.map { index in
      let operands = sample.operands.map { $0.doubles[index] }
      return Self.declaredCotangent(operation, operands[0], Array(operands.dropFirst()), g.doubles[index])
    }
    let cotangent = try #require(found["cotangent.x0"])
    #expect(relativeError(cotangent, HostTensor(cotangent.type, .double(expected))) <= 1e-12)
    if operation.declared != .guided { try Laws.pullbackIsAdjoint(try sample.graph(), sample.operands) }
  }

  /// The cotangents of the operands as functions of operands and cotangent, differentiated once more: Σ u · (their central
  /// difference along v) is Σ v · (their pullback of u).
  @Test(arguments: samples)
  func theSecondDerivativeIsThatOfTheDeclaredOne(sample: Sample) throws {
    let first = try sample.graph().pullback()
    let cotangents = GraphBuilder(continuing: first).finish(
      name: "cotangents", outputs: first.outputs.filter { $0.name != "y" }.map { ($0.name, $0.value) })
    var generator = SeededGenerator(seed: 52)
    let inputs = sample.operands + [generator.direction(sample.operands[0].type)]
    // Bounds may be infinite: they stay as they are.
    let v = inputs.map { $0.doubles.allSatisfy(\.isFinite) ? generator.direction($0.type) : .zeros($0.type) }
    let u = cotangents.outputs.map { generator.direction(cotangents[$0.value].type) }
    let differences = try cotangents.centralDifferences(at: inputs, along: v, step: 1e-4)
    let second: [HostTensor] = try cotangents.pullback().evaluate(inputs + u)
    let (left, right) = (inner(differences, u), inner(v, Array(second.suffix(v.count))))
    #expect(abs(left.sum - right.sum) <= 1e-8 * max(left.scale, right.scale, 1e-3))
  }

  private func inner(_ a: [HostTensor], _ b: [HostTensor]) -> (sum: Double, scale: Double) {
    let products = zip(a, b).flatMap { zip($0.doubles, $1.doubles).map { $0 * $1 } }
    return (products.reduce(0, +), products.reduce(0) { $0 + abs($1) })
  }

  /// τ = 1e-4; h jumps from 1 to 0 at 0, h′ = τ / (z² + τ)^(3/2) on both sides, h″ = −3 τ z / (z² + τ)^(5/2).
  @Test(arguments: [
    (-1e4, 5e-13, 1e-16, 3e-20), (-10.0, 4.9999962500e-7, 9.9999850000e-8, 2.9999925e-8),
    (-0.01, 0.2928932188134524, 35.35533905932738, 5303.300858899107), (-1e-12, 1, 100, 3e-6), (0, 0, 100, 0),
    (0.01, 0.7071067811865476, 35.35533905932738, -5303.300858899107),
    (1, 0.9999500037496876, 9.998500187e-5, -2.99925013121718e-4),
  ])
  func theSmoothedStepAndItsDerivatives(z: Double, h: Double, first: Double, second: Double) throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, []))
    var values = [try builder.append(Elementwise(.relu, declaring: .smoothed), [x])]
    for _ in 1...3 { values += try builder.pullback([(values[values.count - 1], builder.scalar(1, .float64))], to: [x]) }
    let graph = builder.finish(name: "h", outputs: values.enumerated().map { ("y\($0.offset)", $0.element) })
    let found: [HostTensor] = try graph.evaluate([.scalar(z, .float64)])
    for (found, expected) in zip(found, [max(z, 0), h, first, second]) {
      #expect(abs(found.doubles[0] - expected) <= 1e-8 * abs(expected), "\(found.doubles[0]) for \(expected)")
    }
  }

  /// Both signs of z and of the cotangent g, kinks and all: g · 1[z > 0] · 1[g > 0].
  @Test func guidedBackpropagationPassesWhatIsPositiveTwice() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [6]))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.append(Elementwise(.relu, declaring: .guided), [x]))])
    func tensor(_ numbers: [Double]) -> HostTensor { HostTensor(TensorType(.float64, [6]), .double(numbers)) }
    let z = tensor([1, 1, -1, -1, 0, 2])
    let g = tensor([3, -3, 3, -3, 3, 0])
    let found: [HostTensor] = try graph.pullback().evaluate([z, g])
    #expect(found[0].doubles == [1, 1, 0, 0, 0, 2])
    #expect(found[1].doubles == [3, 0, 0, 0, 0, 0])
  }

  /// In y = −relu(w relu(x)) no positive cotangent reaches the inner ReLU, in y = relu(−relu(x)) + 3 relu(x) one part of two.
  @Test func guidedBackpropagationStopsNegativePartsAtEveryLayer() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, []))
    func relu(_ z: Value) throws -> Value { try builder.append(Elementwise(.relu, declaring: .guided), [z]) }
    let inner = try relu(x)
    let negative = try builder.elementwise(.negate, try relu(try builder.multiply(inner, 2)))
    let mixed = try builder.add(try relu(builder.add(builder.elementwise(.negate, inner), 7)), builder.multiply(inner, 3))
    let one = builder.scalar(1, .float64)
    var results: [(String, Value)] = []
    for (name, y) in [("negative", negative), ("mixed", mixed)] {
      results.append((name, try builder.pullback([(y, one)], to: [x])[0]))
    }
    let found: [HostTensor] = try builder.finish(name: "g", outputs: results).evaluate([.scalar(5, .float64)])
    #expect(found.map { $0.doubles[0] } == [0, 2])
  }

  @Test func guidedBackpropagationHasNoForwardMode() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [3]))
    let y = try builder.append(Elementwise(.relu, declaring: .guided), [x])
    let graph = builder.finish(name: "g", outputs: [("y", try builder.elementwise(.hyperbolicTangent, y))])
    for derivative in [
      { try graph.pushforward() }, { try graph.hessianVectorProduct(of: "y", withRespectTo: "x") },
    ] as [() throws -> Graph] {
      let error = try #require(throws: TypeError.self) { try derivative() }
      #expect(
        error.description == "relu(): guided backpropagation depends on the cotangent, so that there is no derivative "
          + "along a direction; take the pullback, or declare another derivative")
    }
  }

  @Test func noDerivativeIsTakenOfAClosedGraph() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [3]))
    let y = try builder.append(Elementwise(.relu, declaring: .smoothed), [x])
    let graph = builder.finish(name: "g", outputs: [("y", y)]).closed()
    let expected = "the graph is closed: its surrogates are erased; differentiate before EraseSurrogates runs"
    for derivative in [
      { try graph.pullback() }, { try graph.pushforward() }, { try graph.gradient(of: "y", withRespectTo: ["x"]) },
      { try graph.hessianVectorProduct(of: "y", withRespectTo: "x") },
    ] as [() throws -> Graph] {
      let error = try #require(throws: TypeError.self) { try derivative() }
      #expect(error.problem == expected)
    }
  }

  @Test func theShiftOfSoftmaxHasNoPartInItsDerivative() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float64, [1, 3]))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.logSumExp(x, axes: [1]))])
    let gradient = try graph.gradient(of: "y", withRespectTo: ["x"])
    #expect(!gradient.nodes.contains { $0.location.derivation == "pullback of take" })
  }
}
