import IR
import TensorTypes

/// What is fixed about a model when importing it: every shape of a graph is known.
public struct ImportOptions: Sendable {
  /// The first extent of every input of rank 2 or more that has no shape or value here. Without it a free first dimension
  /// becomes 1. A model written for another batch size is widened where each of its values follows along its first axis.
  public var batch: Int?
  /// Whole shapes of inputs, by name.
  public var shapes: [String: [Int]]
  /// Values of inputs, by name: the input becomes a constant. Integer inputs that decide shapes need one.
  public var values: [String: HostTensor]

  public init(batch: Int? = nil, shapes: [String: [Int]] = [:], values: [String: HostTensor] = [:]) {
    self.batch = batch
    self.shapes = shapes
    self.values = values
  }
}

/// A model as a graph, with what its file says about itself.
public struct ImportedModel: Sendable {
  /// Inputs and outputs have the names of the model; constants those of its initialisers.
  public let graph: Graph
  /// The version of the ONNX operators that the model uses.
  public let opset: Int64
  public let irVersion: Int64
  /// Name and version of the program that wrote the file.
  public let producer: String
  /// How often the model uses each ONNX operator, in the order of their names.
  public let operatorCounts: [OperatorCount]
  /// The ONNX operator of each node, by the name that locations in the graph have.
  public let operatorOfNode: [String: String]
  /// Floating-point elements of the initialisers that the graph uses.
  public let parameterCount: Int
  /// The inputs of the model that `ImportOptions.values` turned into constants, in the order of the model.
  public let boundInputs: [String]

  public struct OperatorCount: Sendable, Equatable {
    public let name: String
    public let count: Int
  }
}

/// Reads an ONNX file into a graph of operators with known shapes.
///
/// The file is mapped, not read: the weights are copied once, into the constants of the graph. External data is looked for
/// in the folder of the file. Float16 and bfloat16 tensors become f32. Operations on integers that are known when importing
/// (shape arithmetic) are carried out, and nodes that no output needs are left out.
/// - Throws: `ImportError`, which says what is wrong and where, without the path unless the file cannot be read.
public func importONNX(path: String, options: ImportOptions = ImportOptions()) throws(ImportError) -> ImportedModel {
  let bytes: ModelBytes
  do { bytes = try ModelBytes(mapping: path) } catch { throw .unreadable(path: printable(path), reason: error.description) }
  return try importModel(try ONNXModel(bytes, directory: folder(of: path)), options)
}

/// Reads an ONNX model from memory.
/// - Parameter directory: the folder that external data is looked for in; nil refuses external data.
public func importONNX(bytes: [UInt8], directory: String? = nil, options: ImportOptions = ImportOptions())
  throws(ImportError) -> ImportedModel
{
  try importModel(try ONNXModel(ModelBytes(copying: bytes), directory: directory), options)
}

private func importModel(_ model: ONNXModel, _ options: ImportOptions) throws(ImportError) -> ImportedModel {
  let opset = try model.supportedOpset()
  let order = try model.graph.importOrder()
  try model.checkOperators(order)
  var importer = GraphImporter(model, opset: opset)
  try importer.importNodes(order, options)
  if let batch = options.batch, model.graph.fixesBatch(otherThan: batch, options) {
    let declared = importer
    importer = GraphImporter(model, opset: opset, widening: declared, to: batch)
    do { try importer.importNodes(order, options) } catch { throw .fixedBatch(wanted: batch, problem: error.description) }
  }
  let graph = try importer.finish()
  var counts: [String: Int] = [:]
  for node in model.graph.nodes { counts[node.type, default: 0] += 1 }
  return ImportedModel(
    graph: graph, opset: opset, irVersion: model.irVersion,
    producer: [model.producerName, model.producerVersion].filter { !$0.isEmpty }.joined(separator: " "),
    operatorCounts: counts.sorted { $0.key < $1.key }.map { ImportedModel.OperatorCount(name: $0.key, count: $0.value) },
    operatorOfNode: Dictionary(model.graph.nodes.map { ($0.label, $0.type) }) { first, _ in first },
    parameterCount: importer.parameterCount, boundInputs: importer.boundInputs)
}

extension ONNXModel {
  static let irVersions: ClosedRange<Int64> = 3...13
  static let opsets: ClosedRange<Int64> = 7...27

  /// The version of the ONNX operators, when this importer knows it.
  func supportedOpset() throws(ImportError) -> Int64 {
    guard Self.irVersions.contains(irVersion) else {
      throw .unsupportedIRVersion(found: irVersion, newest: Self.irVersions.upperBound)
    }
    let versions = operatorSets.filter { $0.domain.isEmpty }.map(\.version)
    if let first = versions.first, let other = versions.first(where: { $0 != first }) {
      throw .duplicateName(
        name: "the ONNX operator set", first: "a declaration of version \(first)", second: "one of version \(other)")
    }
    guard let opset = versions.first, Self.opsets.contains(opset) else {
      throw .unsupportedOpset(found: versions.first, oldest: Self.opsets.lowerBound, newest: Self.opsets.upperBound)
    }
    return opset
  }

  /// Refuses, all at once, the operators among the nodes to import that there is no rule for.
  func checkOperators(_ order: [Int]) throws(ImportError) {
    var unknown: [ImportError.UnknownOperator] = []
    var positions: [String: Int] = [:]
    var nodes: [[String]] = []
    for index in order.sorted() {
      let node = graph.nodes[index]
      if node.domain.isEmpty, ImportRule.all[node.type] != nil { continue }
      let key = node.domain + "." + node.type
      if let position = positions[key] {
        nodes[position].append(node.label)
        continue
      }
      positions[key] = nodes.count
      nodes.append([node.label])
      let isFunction = functions.contains { $0.domain == node.domain && $0.name == node.type }
      unknown.append(.init(domain: node.domain, type: node.type, nodes: [], isModelFunction: isFunction))
    }
    guard unknown.isEmpty else {
      throw .unknownOperators(
        zip(unknown, nodes).map {
          .init(domain: $0.domain, type: $0.type, nodes: $1, isModelFunction: $0.isModelFunction)
        })
    }
  }
}
