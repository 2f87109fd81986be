import Attacks
import TensorTypes

/// Runs the graphs that either runner has.
struct BothRunners: GraphRunner {
  let first: any GraphRunner
  let second: any GraphRunner

  func run(_ graph: String, _ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
    do { return try first.run(graph, inputs) } catch is UnknownGraph { return try second.run(graph, inputs) }
  }
}

/// Runs graphs and remembers what with.
final class RecordingRunner: GraphRunner {
  private let runner: any GraphRunner
  private(set) var calls: [(name: String, inputs: [String: HostTensor])] = []

  init(_ runner: any GraphRunner) { self.runner = runner }

  func run(_ graph: String, _ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
    calls.append((graph, inputs))
    return try runner.run(graph, inputs)
  }
}
