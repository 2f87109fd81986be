import IR

/// How one ONNX operator becomes operators of the graph.
struct ImportRule: Sendable {
  /// How many inputs and outputs a node may have.
  let inputs: ClosedRange<Int>
  let outputs: ClosedRange<Int>
  private let body: @Sendable (NodeImport) throws -> [Value]

  /// A rule with one result.
  init(_ inputs: ClosedRange<Int>, _ body: @escaping @Sendable (NodeImport) throws -> Value) {
    self.init(inputs, outputs: 1...1) { [try body($0)] }
  }

  init(
    _ inputs: ClosedRange<Int>, outputs: ClosedRange<Int>, _ body: @escaping @Sendable (NodeImport) throws -> [Value]
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.body = body
  }

  static let variadic = 1...Int.max

  func apply(to node: NodeImport) throws -> [Value] {
    guard inputs.contains(node.inputCount) else {
      throw ImportProblem("it has \(node.inputCount) inputs; \(words(inputs)) expected")
    }
    let outputCount = (node.node.outputs.lastIndex { !$0.isEmpty } ?? -1) + 1
    guard outputCount <= outputs.upperBound else {
      throw ImportProblem("its output \(outputCount - 1) is not supported; \(words(outputs)) expected")
    }
    let results = try body(node)
    try node.checkAllRead()
    guard outputCount <= results.count else {
      throw ImportProblem("its output \(outputCount - 1) (\(quoted(node.node.outputs[outputCount - 1]))) is not supported")
    }
    return results
  }

  private func words(_ range: ClosedRange<Int>) -> String {
    if range.lowerBound == range.upperBound { return "\(range.lowerBound) \(range.lowerBound == 1 ? "is" : "are")" }
    return range.upperBound == .max ? "\(range.lowerBound) or more are" : "\(range.lowerBound) to \(range.upperBound) are"
  }

  /// Every operator that can be imported, by its ONNX name.
  static let all: [String: ImportRule] = {
    var rules: [String: ImportRule] = [:]
    for family in [
      arithmetic, comparisons, activations, convolutions, pooling, normalisations, reductions, products, shapes, selections,
      padding,
      constants,
    ] {
      rules.merge(family) { first, _ in first }
    }
    return rules
  }()
}
