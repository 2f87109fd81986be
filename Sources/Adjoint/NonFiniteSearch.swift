import Execution
import IR
import Interpreters
import ONNX
import Operators
import Passes
import TensorTypes

/// Finds the node of a network at which numbers stop being finite.
struct NonFiniteSearch: Sendable {
  let request: ModelRequest
  let execution: ExecutionOptions

  /// What is to blame, in a sentence; nil where every node's result and derivative is finite.
  ///
  /// Each node's last value is an output of a graph that is made for this, for a batch of one, and runs as the programs do.
  /// Cost: of compiling and running that graph.
  /// - Parameters:
  ///   - program: one of the request's, and its inputs.
  ///   - image: the position in the batch of the image whose results are not finite.
  func sentence(program: String, inputs: [String: HostTensor], image: Int) throws -> String? {
    guard let derived = DerivedGraph(rawValue: program) else { return nil }
    var one = request
    if derived != .forward { one.batch = 1 }
    let model = try imported(one)
    let graph = try one.graph(derived)
    var own: [String: HostTensor] = [:]
    for input in graph.inputs {
      let name = graph.name(ofInput: input)
      guard let tensor = inputs[name]?.ofImage(image, type: graph[input].type) else { return nil }
      own[name] = tensor
    }
    // Derivatives are at fault only where no result is.
    for isDerivative in [false, true] {
      let ends = graph.endsOfNodes(isDerivative: isDerivative)
      if ends.isEmpty { continue }
      let outputs = try results(of: graph, ends.map(\.value), own)
      guard let first = ends.indices.first(where: { outputs["\($0)"]?.isFinite == false }) else { continue }
      let node = ends[first].node
      let words = "node '\(node)'\(model.operatorOfNode[node].map { " (\($0))" } ?? "")"
      return isDerivative
        ? "every result of the network is finite, and the derivative of \(words) is the first that is not"
        : "\(words) is the first whose result is not finite"
    }
    return nil
  }

  private func imported(_ request: ModelRequest) throws -> ImportedModel {
    request.of == .forward
      ? try importModel(request)
      : try ImageClassifier(
        path: request.model.path, batch: request.batch ?? 1, shapes: request.shapes, overrides: request.overrides
      ).imported
  }

  /// Values of a graph, by their position.
  private func results(of graph: Graph, _ values: [Value], _ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
    let outputs = values.enumerated().map { Graph.Output(name: "\($0.offset)", value: $0.element) }
    let whole = Graph(name: graph.name, nodes: graph.nodes, inputs: graph.inputs, outputs: outputs, isClosed: graph.isClosed)
    if execution.usesReference { return try whole.evaluate(inputs) }
    let family = try execution.compiler().compile([try Pipeline.simplify(whole)])
    return try Executable(family, threads: execution.threads ?? ThreadPool.usableProcessorCount).run(graph.name, inputs)
  }
}

extension ModelRequest {
  /// One of this request's graphs, as differentiated, by the name of its program.
  fileprivate func graph(_ derived: DerivedGraph) throws -> Graph {
    if derived == .forward { return try Pipeline.prepare(try importModel(self).graph) }
    return try GraphStages(
      derived, ofModelAt: model.path, batch: batch ?? 1, interpreter: interpreter, shapes: shapes, overrides: overrides
    ).differentiated
  }
}

extension Graph {
  /// The last floating-point value of each ONNX node, or of its derivative, in the order of computation; what constants
  /// alone decide is left out.
  fileprivate func endsOfNodes(isDerivative: Bool) -> [(node: String, value: Value)] {
    var isVariable = [Bool](repeating: false, count: nodes.count)
    var last: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
      if case .input = node.content { isVariable[index] = true }
      isVariable[index] = isVariable[index] || node.operands.contains { isVariable[$0.index] }
      guard let name = node.location.node, node.operation != nil, isVariable[index],
        node.type.element.isFloatingPoint, (node.location.derivation != nil) == isDerivative
      else { continue }
      last[name] = index
    }
    return last.sorted { $0.value < $1.value }.map { ($0.key, Value($0.value)) }
  }
}

extension HostTensor {
  /// What belongs to one image of a batch, where the type is that of a batch of one; nil where it is another.
  fileprivate func ofImage(_ image: Int, type wanted: TensorType) -> HostTensor? {
    if type == wanted { return self }
    guard type.element == wanted.element, let batch = shape.extents.first, image < batch,
      shape.extents.dropFirst().elementsEqual(wanted.shape.extents.dropFirst()), wanted.shape.extents.first == 1
    else { return nil }
    let size = wanted.shape.elementCount
    let range = image * size..<(image + 1) * size
    switch storage {
    case .float(let elements): return HostTensor(wanted, .float(Array(elements[range])))
    case .double(let elements): return HostTensor(wanted, .double(Array(elements[range])))
    case .integer(let elements): return HostTensor(wanted, .integer(Array(elements[range])))
    case .boolean(let elements): return HostTensor(wanted, .boolean(Array(elements[range])))
    }
  }
}
