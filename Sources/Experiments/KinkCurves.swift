import Adjoint
import Attacks
import Autodiff
import IR
import Images
import Operators
import TensorTypes

/// Figure 3: what stands in place of the derivative of ReLU, near 0, and its own derivative.
///
/// Every number is that of the graph which an attack differentiates: ReLU with a declared derivative, pulled back once and
/// twice.
struct KinkCurves: Experiment {
  let id = "f3"
  let title = "h, sigma and r near 0 in place of the derivative of ReLU"
  let reference =
    "figure 3 and section 3.2: h(z) = z / sqrt(z^2 + tau), 1 more below 0, with tau = 1e-4, follows r(z) = 1[z > 0]"

  let runs: [ExperimentRun] = []
  let needsNetwork = false

  private static let derivatives: [(name: String, derivative: KinkDerivative)] = [
    ("h", .smoothed), ("sigma", .sigmoid), ("r", .plain),
  ]

  /// The first and second derivative of ReLU at some places, with a derivative in place of its own.
  static func slopes(_ z: [Double], _ derivative: KinkDerivative) throws -> (first: [Double], second: [Double]) {
    let builder = GraphBuilder()
    let x = builder.input("z", TensorType(.float32, [z.count]))
    let value = try builder.append(Elementwise(.relu, declaring: derivative), [x])
    let ones = try builder.broadcast(builder.scalar(1, like: value), to: builder.shape(of: value))
    let first = try builder.pullback([(value, ones)], to: [x])[0]
    let second = try builder.pullback([(first, ones)], to: [x])[0]
    let graph = builder.finish(name: "slopes", outputs: [("first", first), ("second", second)])
    let outputs = try graph.evaluate(["z": HostTensor(graph[x].type, .double(z))])
    return (outputs["first"]?.doubles ?? [], outputs["second"]?.doubles ?? [])
  }

  /// Places from -0.1 to 0.1, on both sides of 0, where h and r jump.
  private static func places(_ count: Int) -> [Double] {
    let positive = (0...count).map { 0.1 * Double($0) / Double(count) }
    return positive.dropFirst().reversed().map { -$0 } + [-1e-9] + positive
  }

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    let listed = Self.places(20)
    let slopes = try Self.derivatives.map { ($0.name, try Self.slopes(listed, $0.derivative)) }
    var table = ExperimentTable("f3", columns: ["z"] + slopes.map(\.0) + slopes.map { $0.0 + "'" })
    for index in listed.indices {
      table.add(
        [.init(listed[index], 9)] + slopes.map { .init($0.1.first[index], 6) } + slopes.map { .init($0.1.second[index], 6) })
    }
    let drawn = Self.places(200)
    let curves = try Self.derivatives.map { name, derivative in
      let points = zip(drawn, try Self.slopes(drawn, derivative).first).map { ($0, $1) }
      // A jump is none of the curve.
      return LinePlot.Curve(name, derivative == .sigmoid ? points : points.flatMap { $0.0 == 0 ? [(0, .nan), $0] : [$0] })
    }
    let plot = LinePlot(
      heading: "in place of the derivative of ReLU, tau = 1e-4", curves: curves,
      xTicks: [-0.1, -0.05, 0, 0.05, 0.1].map { .init($0, "\($0)") },
      yTicks: [0, 0.25, 0.5, 0.75, 1].map { .init($0, "\($0)") })
    return ExperimentOutcome(
      tables: [table], comparisons: try comparisons(), pictures: [ExperimentPicture("f3", try plot.rendered())])
  }

  private func comparisons() throws -> [PaperComparison] {
    let places = [-0.01, 0, 0.01, 1]
    let expected = places.map { z in z / (z * z + 1e-4).squareRoot() + (z < 0 ? 1 : 0) }
    let found = try Self.slopes(places, .smoothed).first
    return places.indices.map { index in
      PaperComparison(
        subject: "h(\(places[index]))", quantity: "by the graph of an attack", paper: fixed(expected[index], 6),
        here: fixed(found[index], 6), expected: "the same to 1e-12", holds: abs(found[index] - expected[index]) < 1e-12)
    }
  }
}
