import IR
import TensorTypes

/// Runs the graphs of a family by name, on tensors by name: compiled, or with the reference evaluator.
public protocol GraphRunner {
  func run(_ graph: String, _ inputs: [String: HostTensor]) throws -> [String: HostTensor]
}

/// Runs graphs with the reference evaluator: slow, in f64.
public struct ReferenceRunner: GraphRunner {
  private let graphs: [String: Graph]

  public init(_ graphs: [Graph]) { self.graphs = Dictionary(graphs.map { ($0.name, $0) }) { first, _ in first } }

  public func run(_ graph: String, _ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
    guard let graph = graphs[graph] else { throw UnknownGraph(name: graph, known: graphs.keys.sorted()) }
    for name in inputs.keys.sorted() where graph.input(named: name) == nil {
      throw UnknownInput(graph: graph.name, name: name, known: graph.inputs.map { graph.name(ofInput: $0) })
    }
    return try graph.evaluate(inputs)
  }
}

public struct UnknownGraph: Error, Sendable, CustomStringConvertible {
  public let name: String
  public let known: [String]
  public var description: String { "there is no graph \(name); the graphs are \(known.joined(separator: ", "))" }
}

public struct UnknownInput: Error, Sendable, CustomStringConvertible {
  public let graph: String
  public let name: String
  public let known: [String]
  public var description: String {
    "\(name) is no input of \(graph); the inputs are \(known.joined(separator: ", "))"
  }
}
