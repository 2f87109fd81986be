import Autodiff
import IR
import Interpreters
import Operators
import TensorTypes

/// What of the change of a score between two images each value of the image accounts for: integrated gradients from one
/// image to the other (equation 13 of the paper).
///
///     Δm[i] = (x_*[i] − x_o[i]) ∫ ∂f(t x_* + (1 − t) x_o) / ∂x[i] dt over t from 0 to 1
///
/// Proposition 1 of the paper: ℓ_prd = f(x_*) − f(x_o) = Σ Δm[i] ≤ Σ |Δm[i]| = ℓ_int, so that an attack cannot raise a score
/// without moving attributions by as much.
public struct PathIntegral: Sendable {
  /// The number of each image whose gradient is integrated.
  public enum Score: String, Sendable, CaseIterable, Codable {
    /// p_c
    case probability
    /// log(p_c / (1 − p_c))
    case logOdds
    /// z_c
    case logit
  }

  public static let graphName = "pathGradient"

  /// x, class i64[B] → score f32[B], gradient [B, C, H, W].
  /// - Parameter network: from `x` to `logits`.
  public static func graph(of network: Graph, _ score: Score) throws(TypeError) -> Graph {
    let (builder, logits) = try AttackPrograms.continuing(network)
    let classes = builder.input("class", TensorType(.int64, [builder.shape(of: logits)[0]]))
    let value = try builder.append(score, of: classes, logits)
    let gradient = try builder.pullback([(value, try builder.ones(like: value))], to: [builder.inputs[0]])[0]
    return builder.finish(name: graphName, outputs: [("score", value), ("gradient", gradient)])
  }

  /// Δm, value by value.
  public let attributions: [Double]
  /// f(x_*) − f(x_o), from the scores of both images.
  public let scoreDifference: Double

  public init(attributions: [Double], scoreDifference: Double) {
    self.attributions = attributions
    self.scoreDifference = scoreDifference
  }

  /// ℓ_prd as the attributions have it.
  public var sum: Double { attributions.reduce(0, +) }
  /// ℓ_int
  public var absoluteSum: Double { attributions.reduce(0) { $0 + abs($1) } }
  /// How far the attributions are from adding up to the difference of the scores, which an exact integral does.
  public var residual: Double { abs(sum - scoreDifference) }

  /// Whether Proposition 1 holds but for rounding, and the integral is exact to the share of the difference or the number.
  public func holds(share: Double = 1e-2, number: Double = 1e-3) -> Bool {
    let rounding: Double = 1e-12 * absoluteSum
    return sum <= absoluteSum + rounding && residual <= share * abs(scoreDifference) + number
  }

  /// Integrates by the midpoint rule.
  ///
  /// Cost: `samples + 2` forward and backward sweeps for each offset, B of them at once.
  /// - Parameters:
  ///   - origin: x_o and `end` x_*, [C, H, W] each.
  ///   - offsets: what is added to both images: f is the mean over them, as that of SmoothGrad is over its noise.
  ///   - batchShape: [B, C, H, W]
  ///   - runner: of `graph`.
  /// - Throws: `AttackError` for a score or a gradient that is not finite, or the error of the runner.
  public init(
    from origin: [Double], to end: [Double], ofClass target: Int, samples: Int, offsets: [[Double]] = [[]],
    batchShape: Shape, runner: any GraphRunner
  ) throws {
    precondition(samples > 0 && !offsets.isEmpty && origin.count == end.count)
    let count = batchShape[0]
    let classes = HostTensor([count], [Int64](repeating: Int64(target), count: count))
    let change = zip(end, origin).map { $0 - $1 }
    var gradient = [Double](repeating: 0, count: origin.count)
    var difference = 0.0

    /// Scores and gradients where the path is at each of some times, at most B.
    func run(_ times: [Double], _ offset: [Double]) throws -> (scores: [Double], gradients: [Double]) {
      let padded = times + Array(repeating: times[times.count - 1], count: count - times.count)
      let points = padded.flatMap { time in
        origin.indices.map { origin[$0] + time * change[$0] + (offset.isEmpty ? 0 : offset[$0]) }
      }
      let x = HostTensor(TensorType(.float32, batchShape), .double(points))
      let outputs = try runner.run(Self.graphName, ["x": x, "class": classes])
      guard let scores = outputs["score"]?.doubles, let gradients = outputs["gradient"]?.doubles else {
        throw AttackError.missingOutput(graph: Self.graphName, name: "gradient")
      }
      guard scores.allSatisfy(\.isFinite), gradients.allSatisfy(\.isFinite) else { throw AttackError.mapNotFinite }
      return (scores, gradients)
    }

    for offset in offsets {
      for first in stride(from: 0, to: samples, by: count) {
        let times = (first..<min(first + count, samples)).map { (Double($0) + 0.5) / Double(samples) }
        let gradients = try run(times, offset).gradients
        for image in times.indices {
          let start = image * gradient.count
          for index in gradient.indices { gradient[index] += gradients[start + index] }
        }
      }
      difference += try run([1], offset).scores[0] - run([0], offset).scores[0]
    }
    let weight = 1 / Double(samples * offsets.count)
    attributions = zip(change, gradient).map { $0 * $1 * weight }
    scoreDifference = difference / Double(offsets.count)
  }
}

extension GraphBuilder {
  /// The score of a class of each image, f32[B], from logits [B, N].
  fileprivate func append(_ score: PathIntegral.Score, of classes: Value, _ logits: Value) throws(TypeError) -> Value {
    switch score {
    case .probability: try append(Take(batchRank: 1), [try softmax(logits, axes: [1]), classes])
    case .logOdds: try logOdds(logits, of: classes)
    case .logit: try append(Take(batchRank: 1), [logits, classes])
    }
  }
}
