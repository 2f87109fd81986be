import Attacks
import Foundation
import IR
import Interpreters
import Operators
import Passes
import SampleNetworks
import TensorTypes
import Testing

/// Both propositions of the paper, on random networks and functions.
@Suite struct PropositionTests {
  // MARK: Proposition 1

  private static let shape: Shape = [3, 3, 12, 12]

  private func integral(
    _ network: PooledClassifier, _ score: PathIntegral.Score, seed: UInt64, smooth: Bool = true, samples: Int = 256,
    offsets: [[Double]] = [[]]
  ) throws -> PathIntegral {
    let classifier = try Classifier(try network.graph(batch: Self.shape[0], seed: seed, smooth: smooth))
    let runner = ReferenceRunner([try PathIntegral.graph(of: try Pipeline.prepare(classifier.graph), score)])
    var random = Random(seed: seed + 100)
    let ends = [0, 1].map { _ in random.tensor([3 * 12 * 12], in: 0...1).doubles }
    return try PathIntegral(
      from: ends[0], to: ends[1], ofClass: 2, samples: samples, offsets: offsets, batchShape: Self.shape, runner: runner)
  }

  @Test(arguments: PathIntegral.Score.allCases, [1, 2, 3] as [UInt64])
  func `the prediction loss is the sum of the attributions and at most that of their magnitudes`(
    score: PathIntegral.Score, seed: UInt64
  ) throws {
    for network in [PooledClassifier.generalProduct, .softmax] {
      // The midpoint rule is of second order.
      let integral = try integral(network, score, seed: seed)
      #expect(integral.residual <= integral.absoluteSum / (256 * 256) && integral.scoreDifference != 0)
      #expect(integral.sum < integral.absoluteSum && integral.holds())
      // ReLU has kinks, at which the gradient jumps: of first order.
      let kinked = try self.integral(network, score, seed: seed, smooth: false)
      #expect(kinked.residual <= kinked.absoluteSum / 256 && kinked.sum < kinked.absoluteSum)
    }
  }

  @Test func `attributions to fewer points do not add up, which is told`() throws {
    let coarse = try integral(.generalProduct, .probability, seed: 2, samples: 1)
    let fine = try integral(.generalProduct, .probability, seed: 2)
    #expect(coarse.residual > 100 * fine.residual && !coarse.holds(share: 1e-5, number: 0))
  }

  /// On the way back every attribution has the same sign: it takes what it gave on the way there.
  @Test func `both losses are equal where no attribution is negative, and only there`() throws {
    let builder = GraphBuilder()
    let x = builder.input("image", TensorType(.float32, [1, 3, 2, 2]))
    let weights = HostTensor([12, 2], (0..<24).map { index in index % 2 == 0 ? Float(1 + index) : 0.5 })
    let scores = try builder.matrixMultiply(try builder.reshape(x, [1, 12]), builder.constant(weights))
    let classifier = try Classifier(builder.finish(name: "linear", outputs: [("scores", scores)]))
    let runner = ReferenceRunner([try PathIntegral.graph(of: classifier.graph, .logit)])
    func integral(_ end: [Double]) throws -> PathIntegral {
      try PathIntegral(
        from: [Double](repeating: 0.5, count: 12), to: end, ofClass: 0, samples: 4, batchShape: [1, 3, 2, 2], runner: runner)
    }
    let brighter = try integral([Double](repeating: 0.75, count: 12))
    #expect(brighter.attributions.allSatisfy { $0 > 0 } && abs(brighter.sum - brighter.absoluteSum) < 1e-12)
    #expect(brighter.residual < 1e-12 && brighter.sum > 1)
    var mixed = [Double](repeating: 0.75, count: 12)
    mixed[3] = 0.25
    #expect(try integral(mixed).sum < integral(mixed).absoluteSum - 1)
  }

  @Test func `with noise the score is the mean over it`() throws {
    var random = Random(seed: 4)
    let offsets = (0..<2).map { _ in random.tensor([3 * 12 * 12], in: -0.2...0.2).doubles }
    let each = try offsets.map { try integral(.generalProduct, .logit, seed: 1, samples: 8, offsets: [$0]) }
    let both = try integral(.generalProduct, .logit, seed: 1, samples: 8, offsets: offsets)
    #expect(abs(both.scoreDifference - (each[0].scoreDifference + each[1].scoreDifference) / 2) < 1e-12)
    #expect(abs(both.sum - (each[0].sum + each[1].sum) / 2) < 1e-12 && each[0].sum != each[1].sum)
    #expect(both.absoluteSum <= (each[0].absoluteSum + each[1].absoluteSum) / 2 + 1e-12)
  }

  // MARK: Proposition 2

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `equation 17 is the gradient of the minimiser's distance, and that of the lookahead is part of it`(seed: UInt64)
    throws
  {
    for (inputs, minimisers) in [(5, 4), (2, 6), (1, 1)] {
      let checks = try Proposition2(inputCount: inputs, minimiserCount: minimisers, seed: seed).checks()
      #expect(Set(checks.map(\.name)) == ["a", "b", "c", "d"])
      for check in checks { #expect(check.holds, "\(check)") }
    }
  }

  /// f = ½ yᵀ A y − yᵀ x with A = diag(1, 10): the direction of a plain step is another.
  @Test
  func `away from a round minimum a plain lookahead has another direction, and away from a minimiser equation 17 fails`()
    throws
  {
    let problem = try ImplicitGradient(inputCount: 2, minimiserCount: 2) { builder, x, y throws(TypeError) in
      let factors = builder.constant(HostTensor([2], [1, 10] as [Float]))
      let half = try builder.multiply(try builder.multiply(factors, y), 0.5)
      return try builder.sum(try builder.multiply(y, try builder.subtract(half, x)), axes: [0])
    }
    let (x, goal) = ([0.5, 2.0], [1.0, -1.0])
    let y = try problem.minimiser(x, from: [0, 0])
    #expect(abs(y[0] - 0.5) < 1e-12 && abs(y[1] - 0.2) < 1e-12)
    // A⁻¹ (y − g₀) = (−0.5, 0.12), and the plain step takes (y − g₀) = (−0.5, 1.2).
    let exact = try problem.equation17(x, minimiser: y, goal: goal)
    let plain = try problem.lookaheadGradient(x, y, goal: goal, step: 1, inverse: .identity(2))
    #expect(abs(exact[0] + 0.5) < 1e-12 && abs(exact[1] - 0.12) < 1e-12)
    #expect(abs(plain[0] + 0.5) < 1e-12 && abs(plain[1] - 1.2) < 1e-12)
    let elsewhere = try problem.equation17(x, minimiser: [1, 1], goal: goal)
    #expect(abs(elsewhere[1] - exact[1]) > 0.01)
    #expect(throws: ImplicitGradientError.singular(dimension: 2)) {
      try SquareMatrix(dimension: 2, [1, 2, 2, 4]).solving([1, 0])
    }
  }
}
