import IR
import Operators
import TensorTypes

/// Turns the nodes of a model, one after the other, into operators of a graph.
final class GraphImporter {
  let model: ONNXModel
  let opset: Int64
  let builder = GraphBuilder()
  var boundInputs: [String] = []
  private(set) var parameterCount = 0
  /// Set when the model is imported for another batch size than it is written for.
  let widening: BatchWidening?

  private var values: [String: Value] = [:]
  private var tensors: [String: HostTensor] = [:]
  private let initialisers: [String: ONNXTensor]
  /// For each node of the builder, whether constants alone decide it.
  private var isConstantExpression: [Bool] = []
  /// Values computed while importing.
  private var known: [Value: HostTensor] = [:]

  /// Integer and boolean results of at most so many elements are computed while importing.
  private static let foldingLimit = 1 << 20

  /// - Parameter declared: an importer that has imported the nodes for the batch size that the model is written for.
  init(_ model: ONNXModel, opset: Int64, widening declared: GraphImporter? = nil, to batch: Int? = nil) {
    self.model = model
    self.opset = opset
    if let declared, let batch {
      widening = BatchWidening(batch: batch, declared: declared.values.mapValues { declared.builder.shape(of: $0) })
      tensors = declared.tensors
    } else {
      widening = nil
    }
    initialisers = Dictionary(model.graph.initialisers.map { ($0.name, $0) }) { first, _ in first }
  }

  func define(_ name: String, as value: Value) { values[name] = value }

  /// The value of a name; an initialiser becomes a constant when it is first used.
  func value(named name: String) throws(ImportError) -> Value {
    if let value = values[name] { return value }
    guard let tensor = initialisers[name] else { throw .dangling(value: name, user: "the graph") }
    let host: HostTensor
    if let known = tensors[name] { host = known } else { host = try tensor.hostTensor(from: model.elements) }
    tensors[name] = host
    if host.type.element.isFloatingPoint { parameterCount += host.shape.elementCount }
    let value = builder.constant(host, name: name)
    values[name] = value
    return value
  }

  /// Makes the inputs, then imports the nodes in the given order.
  func importNodes(_ order: [Int], _ options: ImportOptions) throws(ImportError) {
    try bindInputs(options)
    for index in order { try importNode(model.graph.nodes[index]) }
  }

  private func importNode(_ node: ONNXNode) throws(ImportError) {
    let reference = ImportError.NodeReference(name: node.label, type: node.type)
    builder.location = Location(node: node.label)
    do {
      guard let rule = ImportRule.all[node.type] else { throw ImportProblem("it has no import rule") }
      let results = try rule.apply(to: try NodeImport(node, in: self))
      try checkAndFold()
      for (name, value) in zip(node.outputs, results) where !name.isEmpty {
        values[name] = value
        try widening?.check(name, builder.shape(of: value))
      }
    } catch let error as ImportError {
      throw error
    } catch {
      throw .node(reference, problem: "\(error)")
    }
  }

  /// Bounds the sizes of the values appended last, and computes those that constants decide and that are no floats.
  private func checkAndFold() throws {
    for index in isConstantExpression.count..<builder.nodes.count {
      let node = builder.nodes[index]
      guard Shape(checking: node.type.shape.extents) != nil else {
        throw ImportProblem("its result would have the shape \(node.type.shape), beyond 2^31 elements")
      }
      let isConstant =
        switch node.content {
        case .input: false
        case .constant: true
        case .operation: node.operands.allSatisfy { isConstantExpression[$0.index] }
        }
      isConstantExpression.append(isConstant)
      if isConstant, node.operation != nil, !node.type.element.isFloatingPoint,
        node.type.shape.elementCount <= Self.foldingLimit
      {
        _ = try constant(Value(index))
      }
    }
  }

  /// The tensor of a value that constants alone decide, or nil. Results are rounded to the element type of the value.
  func constant(_ value: Value) throws -> HostTensor? {
    if let tensor = builder.nodes[value.index].constant ?? known[value] { return tensor }
    try checkAndFoldNewNodes(upTo: value)
    guard isConstantExpression[value.index] else { return nil }
    var needed: Set<Value> = []
    var pending = [value]
    while let next = pending.popLast() {
      if builder.nodes[next.index].constant == nil, known[next] == nil, needed.insert(next).inserted {
        pending += builder.nodes[next.index].operands
      }
    }
    for value in needed.sorted() {
      let node = builder.nodes[value.index]
      guard let operation = node.operation, node.type.shape.elementCount <= Self.foldingLimit else { return nil }
      let operands = node.operands.compactMap { builder.nodes[$0.index].constant ?? known[$0] }
      known[value] = try operation.evaluate(operands, type: node.type).rounded
    }
    return known[value]
  }

  private func checkAndFoldNewNodes(upTo value: Value) throws {
    if value.index >= isConstantExpression.count { try checkAndFold() }
  }

  /// The names of the inputs that decide a value.
  func inputs(deciding value: Value) -> [String] {
    var seen: Set<Value> = []
    var pending = [value]
    while let next = pending.popLast() {
      if seen.insert(next).inserted { pending += builder.nodes[next.index].operands }
    }
    return seen.sorted().compactMap {
      if case .input(let name) = builder.nodes[$0.index].content { name } else { nil }
    }
  }

  /// The graph of everything that the outputs need, where values known by now are constants.
  func finish() throws(ImportError) -> Graph {
    var outputs: [Graph.Output] = []
    for output in model.graph.outputs {
      if case .other(let words) = output.kind, words != ONNXValue.undeclared {
        throw .unusableOutput(output: output.name, found: words)
      }
      let value = try value(named: output.name)
      try widening?.checkOutput(output.name, builder.shape(of: value))
      outputs.append(Graph.Output(name: output.name, value: value))
    }
    var isLive = [Bool](repeating: false, count: builder.nodes.count)
    for output in outputs { isLive[output.value.index] = true }
    for index in builder.nodes.indices.reversed() where isLive[index] && replacement(index) == nil {
      for operand in builder.nodes[index].operands { isLive[operand.index] = true }
    }
    let pruned = GraphBuilder()
    var renamed = [Value](repeating: Value(0), count: builder.nodes.count)
    do {
      for (index, node) in builder.nodes.enumerated() {
        pruned.location = node.location
        if case .input(let name) = node.content {
          renamed[index] = pruned.input(name, node.type)
        } else if !isLive[index] {
          continue
        } else if let tensor = replacement(index) {
          renamed[index] = pruned.constant(tensor, name: node.location.node ?? "constant")
        } else if case .constant(let constant) = node.content {
          renamed[index] = pruned.constant(constant.tensor, name: constant.name)
        } else if let operation = node.operation {
          renamed[index] = try pruned.append(operation, node.operands.map { renamed[$0.index] })
        }
      }
    } catch {
      throw .unusableOption("the graph cannot be rebuilt: \(error)")
    }
    let name = model.graph.name.isEmpty ? "model" : model.graph.name
    return pruned.finish(name: name, outputs: outputs.map { ($0.name, renamed[$0.value.index]) })
  }

  /// The tensor that takes the place of an operation on integers or booleans.
  private func replacement(_ index: Int) -> HostTensor? {
    let node = builder.nodes[index]
    return node.operation == nil || node.type.element.isFloatingPoint ? nil : known[Value(index)]
  }
}

extension HostTensor {
  /// The tensor with f32 elements rounded to f32, as a computation in that type would leave them.
  fileprivate var rounded: HostTensor { type.element == .float32 ? HostTensor(type, .float(floats)) : self }
}
