import IR
import Operators
import TensorTypes

/// The smallest part of a failing graph that still fails.
public struct ShrunkFailure: Error, CustomStringConvertible {
  public let sample: SampleGraph
  public let failure: String

  public var description: String { "\(failure)\nin the smallest failing part\n\(sample.graph.text())" }
}

extension SampleGraph {
  /// Runs a check; where it throws, cuts the graph down as long as the check still throws, and throws the smallest failure.
  ///
  /// First one output at the earliest failing node, then every operation that can be an input instead, from the last on.
  public func check(_ body: (SampleGraph) throws -> Void) throws {
    func failure(_ sample: SampleGraph) -> String? {
      do { try body(sample) } catch { return "\(error)" }
      return nil
    }
    guard var words = failure(self) else { return }
    var smallest = self
    for index in graph.nodes.indices where graph.nodes[index].operation != nil {
      let part = try endingAt(Value(index))
      if let failure = failure(part) {
        (smallest, words) = (part, failure)
        break
      }
    }
    for index in smallest.graph.nodes.indices.reversed().dropFirst() where index < smallest.graph.nodes.count {
      guard smallest.graph.nodes[index].operation != nil, let cut = try? smallest.cutting(Value(index)),
        let failure = failure(cut), cut.operationCount < smallest.operationCount
      else { continue }
      (smallest, words) = (cut, failure)
    }
    throw ShrunkFailure(sample: smallest, failure: words)
  }

  private var operationCount: Int { graph.nodes.count { $0.operation != nil } }

  /// The part that one value depends on, with the value as its only output.
  private func endingAt(_ value: Value) throws -> SampleGraph {
    let part = Graph(
      name: graph.name, nodes: graph.nodes, inputs: graph.inputs, outputs: [Graph.Output(name: "y", value: value)])
    return try SampleGraph(graph: part, inputs: inputs).cutting(nil)
  }

  /// The graph without dead nodes and with one operation turned into an input that has the operation's value.
  private func cutting(_ cut: Value?) throws -> SampleGraph {
    var isLive = [Bool](repeating: false, count: graph.nodes.count)
    for output in graph.outputs { isLive[output.value.index] = true }
    for (index, node) in graph.nodes.enumerated().reversed() where isLive[index] && Value(index) != cut {
      for operand in node.operands { isLive[operand.index] = true }
    }
    let builder = GraphBuilder()
    var renamed: [Value: Value] = [:]
    var kept: [HostTensor] = []
    for (index, node) in graph.nodes.enumerated() where isLive[index] {
      let value = Value(index)
      builder.location = node.location
      if value == cut {
        renamed[value] = builder.input("cut\(index)", node.type)
        let probe = Graph(
          name: "probe", nodes: graph.nodes, inputs: graph.inputs, outputs: [Graph.Output(name: "y", value: value)])
        kept += try probe.evaluate(inputs) as [HostTensor]
        continue
      }
      switch node.content {
      case .input(let name):
        renamed[value] = builder.input(name, node.type)
        kept.append(inputs[graph.inputs.firstIndex(of: value) ?? 0])
      case .constant(let constant): renamed[value] = builder.constant(constant.tensor, name: constant.name)
      case .operation(let operation):
        renamed[value] = try builder.append(operation, node.operands.compactMap { renamed[$0] })
      }
    }
    let outputs = graph.outputs.compactMap { output in renamed[output.value].map { (output.name, $0) } }
    return SampleGraph(graph: builder.finish(name: graph.name, outputs: outputs), inputs: kept)
  }
}
