import Autodiff
import IR
import Operators
import TensorTypes

/// A law that a graph breaks.
public struct LawViolation: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// The laws that hold for every graph, checked at one point. Each throws the violation.
public enum Laws {
  /// The evaluated outputs have the types that the graph states, and enough elements.
  public static func outputsHaveTheirTypes(_ graph: Graph, _ inputs: [HostTensor]) throws {
    try graph.verify()
    let results: [HostTensor] = try graph.evaluate(inputs)
    guard results.map(\.type) == graph.outputs.map({ graph[$0.value].type }) else {
      throw LawViolation("outputs are \(results.map(\.type)) in\n\(graph.text())")
    }
  }

  /// parse(print(g)) = g
  public static func textParsesBack(_ graph: Graph) throws {
    let text = graph.text()
    var constants: [String: HostTensor] = [:]
    for node in graph.nodes { if case .constant(let constant) = node.content { constants[constant.name] = constant.tensor } }
    let parsed = try Graph(parsing: text, catalog: Catalog.operators, constants: constants)
    guard parsed == graph else { throw LawViolation("parsed as\n\(parsed.text())\nfrom\n\(text)") }
    guard zip(parsed.nodes, graph.nodes).allSatisfy({ $0.operands == $1.operands && $0.type == $1.type }) else {
      throw LawViolation("operands or types differ after parsing\n\(text)")
    }
  }

  /// J v agrees with central differences.
  public static func pushforwardAgreesWithDifferences(
    _ graph: Graph, _ inputs: [HostTensor], seed: UInt64 = 1, tolerance: Double = 1e-8
  ) throws {
    var generator = SeededGenerator(seed: seed)
    let directions = inputs.filter(\.type.element.isFloatingPoint).map { generator.direction($0.type) }
    let expected = try graph.centralDifferences(at: inputs, along: directions)
    let found = try pushforward(graph, inputs, directions)
    for (index, (found, expected)) in zip(found, expected).enumerated() {
      let error = relativeError(found, expected)
      guard error <= tolerance else {
        throw LawViolation(
          "output \(index): J v is off by \(error): \(found.doubles.prefix(6)) against \(expected.doubles.prefix(6)) in\n"
            + graph.text())
      }
    }
  }

  /// ⟨J v, u⟩ = ⟨v, Jᵀ u⟩
  public static func pullbackIsAdjoint(_ graph: Graph, _ inputs: [HostTensor], seed: UInt64 = 2, tolerance: Double = 1e-12)
    throws
  {
    var generator = SeededGenerator(seed: seed)
    let v = inputs.filter(\.type.element.isFloatingPoint).map { generator.direction($0.type) }
    let u = graph.outputs.map { graph[$0.value].type }.filter(\.element.isFloatingPoint).map { generator.direction($0) }
    let (left, leftScale) = inner(try pushforward(graph, inputs, v), u)
    let pullback = try graph.pullback()
    let results: [HostTensor] = try pullback.evaluate(inputs + u)
    let (right, rightScale) = inner(v, Array(results.suffix(v.count)))
    guard abs(left - right) <= tolerance * max(leftScale, rightScale) else {
      throw LawViolation("<Jv, u> = \(left), <v, Jᵀu> = \(right) in\n\(graph.text())\nwith pullback\n\(pullback.text())")
    }
  }

  /// Both laws of the derivative, on the graph and on its pullback: first and second order.
  public static func derivativesHold(_ graph: Graph, _ inputs: [HostTensor], seed: UInt64 = 3) throws {
    try pushforwardAgreesWithDifferences(graph, inputs, seed: seed)
    try pullbackIsAdjoint(graph, inputs, seed: seed)
    var generator = SeededGenerator(seed: seed)
    let pullback = try graph.pullback()
    let cotangents = graph.outputs.map { graph[$0.value].type }.filter(\.element.isFloatingPoint)
      .map { generator.direction($0) }
    try pushforwardAgreesWithDifferences(pullback, inputs + cotangents, seed: seed, tolerance: 1e-7)
    try pullbackIsAdjoint(pullback, inputs + cotangents, seed: seed)
  }

  /// J v for the floating-point outputs; zero where the graph states no tangent.
  public static func pushforward(_ graph: Graph, _ inputs: [HostTensor], _ directions: [HostTensor]) throws -> [HostTensor] {
    let pushforward = try graph.pushforward()
    let results: [HostTensor] = try pushforward.evaluate(inputs + directions)
    let named = Dictionary(uniqueKeysWithValues: zip(pushforward.outputs.map(\.name), results))
    return graph.outputs.filter { graph[$0.value].type.element.isFloatingPoint }.map {
      named["tangent.\($0.name)"] ?? .zeros(graph[$0.value].type)
    }
  }

  private static func inner(_ a: [HostTensor], _ b: [HostTensor]) -> (sum: Double, scale: Double) {
    var sum = 0.0, scale = 0.0
    for (x, y) in zip(a, b) {
      for (p, q) in zip(x.doubles, y.doubles) {
        sum += p * q
        scale += abs(p * q)
      }
    }
    return (sum, scale)
  }
}
