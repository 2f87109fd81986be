import IR
import Operators
import TensorTypes

/// What keeps a node from being imported, in words; the importer adds the node.
struct ImportProblem: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// One node while it is imported: its operands as values, its attributes, and the builder to append to.
final class NodeImport {
  let node: ONNXNode
  let opset: Int64
  let builder: GraphBuilder
  private let importer: GraphImporter
  private let operands: [Value?]
  private var attributes: [String: ONNXAttribute.Value] = [:]
  private var unread: Set<String>

  init(_ node: ONNXNode, in importer: GraphImporter) throws {
    self.node = node
    self.importer = importer
    opset = importer.opset
    builder = importer.builder
    var operands: [Value?] = []
    for name in node.inputs { operands.append(name.isEmpty ? nil : try importer.value(named: name)) }
    self.operands = operands
    for attribute in node.attributes where attributes.updateValue(attribute.value, forKey: attribute.name) != nil {
      throw ImportProblem("attribute \(printable(attribute.name)) is given twice")
    }
    unread = Set(node.attributes.map(\.name))
  }

  // MARK: Operands

  var inputCount: Int { operands.count }

  func optional(_ index: Int) -> Value? { operands.indices.contains(index) ? operands[index] : nil }

  func operand(_ index: Int) throws -> Value {
    guard let value = optional(index) else { throw ImportProblem("input \(index) is missing") }
    return value
  }

  /// All operands, none of them absent.
  func allOperands() throws -> [Value] { try operands.indices.map { try operand($0) } }

  func shape(_ value: Value) -> Shape { builder.shape(of: value) }
  func element(_ value: Value) -> ElementType { builder.type(of: value).element }

  func requireFloat(_ value: Value) throws {
    guard element(value).isFloatingPoint else {
      throw ImportProblem("it computes on \(element(value).rawValue); floating-point operands are accepted")
    }
  }

  /// An operand that has to be known when importing, such as a shape.
  func known(_ index: Int, _ what: String) throws -> HostTensor {
    let value = try operand(index)
    if let tensor = try importer.constant(value) { return tensor }
    let inputs = importer.inputs(deciding: value)
    let reason =
      inputs.isEmpty
      ? "is too large to compute"
      : "depends on the input\(inputs.count == 1 ? "" : "s") \(inputs.map(quoted).joined(separator: ", "))"
    throw ImportProblem("\(what) (input \(index)) needs to be known when importing, but \(reason)")
  }

  func constant(_ value: Value) throws -> HostTensor? { try importer.constant(value) }

  /// A known operand as integers, whatever its shape.
  func knownIntegers(_ index: Int, _ what: String) throws -> [Int] {
    let tensor = try known(index, what)
    guard tensor.type.element.isInteger else {
      throw ImportProblem("\(what) (input \(index)) is \(tensor.type); integers are expected")
    }
    return tensor.integers.map(Int.init)
  }

  /// The one element of a known operand.
  func knownScalar(_ index: Int, _ what: String) throws -> Double {
    let tensor = try known(index, what)
    guard tensor.storage.count == 1 else {
      throw ImportProblem("\(what) (input \(index)) is \(tensor.type); one element is expected")
    }
    return tensor.doubles[0]
  }

  /// The shape that widening the batch gives the result of a node that reshapes its first operand; nil where it has no part.
  func widenedResult() throws -> Shape? {
    importer.widening?.result(node.outputs[0], of: node.inputs[0], shape(try operand(0)))
  }

  // MARK: Attributes

  func has(_ name: String) -> Bool { attributes[name] != nil }

  private func read<Result>(_ name: String, _ kind: String, _ convert: (ONNXAttribute.Value) -> Result?) throws -> Result? {
    unread.remove(name)
    guard let value = attributes[name] else { return nil }
    guard let result = convert(value) else { throw ImportProblem("attribute \(name) is not \(kind)") }
    return result
  }

  func integer(_ name: String) throws -> Int? {
    try read(name, "an integer") { if case .integer(let value) = $0 { Int(value) } else { nil } }
  }
  func integer(_ name: String, default standard: Int) throws -> Int { try integer(name) ?? standard }
  func flag(_ name: String, default standard: Bool = false) throws -> Bool { try integer(name).map { $0 != 0 } ?? standard }
  func integers(_ name: String) throws -> [Int]? {
    try read(name, "a list of integers") { if case .integers(let values) = $0 { values.map(Int.init) } else { nil } }
  }
  func float(_ name: String) throws -> Double? {
    try read(name, "a number") { if case .float(let value) = $0 { Double(value) } else { nil } }
  }
  func float(_ name: String, default standard: Double) throws -> Double { try float(name) ?? Double(Float(standard)) }
  func floats(_ name: String) throws -> [Float]? {
    try read(name, "a list of numbers") { if case .floats(let values) = $0 { values } else { nil } }
  }
  func string(_ name: String) throws -> String? {
    try read(name, "a string") { if case .string(let value) = $0 { value } else { nil } }
  }
  func tensor(_ name: String) throws -> HostTensor? {
    let tensor = try read(name, "a tensor") { if case .tensor(let value) = $0 { value } else { nil } }
    return try tensor?.hostTensor(from: importer.model.elements)
  }

  /// Marks an attribute as one that has no influence on the result.
  func ignore(_ name: String) { unread.remove(name) }

  /// Refuses attributes that the rule has not looked at: they would change the meaning.
  func checkAllRead() throws {
    guard let name = unread.min() else { return }
    if case .unsupported(let kind)? = attributes[name] {
      throw ImportProblem("attribute \(printable(name)) is \(kind), which is not supported")
    }
    throw ImportProblem("attribute \(printable(name)) is not supported for operator set \(opset)")
  }

  // MARK: Axes and sizes

  /// An axis counted from 0; negative ones count from the end.
  func axis(_ axis: Int, rank: Int) throws -> Int {
    guard (-rank..<rank).contains(axis) else { throw ImportProblem("axis \(axis) does not exist in rank \(rank)") }
    return axis < 0 ? axis + rank : axis
  }

  /// Axes counted from 0, in the order given.
  func axes(_ axes: [Int], rank: Int) throws -> [Int] {
    let normalised = try axes.map { try axis($0, rank: rank) }
    guard Set(normalised).count == axes.count else { throw ImportProblem("axes \(axes) repeat one") }
    return normalised
  }

  /// The axes from the attribute (up to the operator set before `inputSince`) or from the input behind it.
  func axesAttributeOrInput(_ index: Int, inputSince: Int64) throws -> [Int]? {
    if opset < inputSince { return try integers("axes") }
    return optional(index) == nil ? nil : try knownIntegers(index, "the list of axes")
  }

  /// A shape within the bounds of this importer.
  func checked(_ extents: [Int]) throws -> Shape {
    guard let shape = Shape(checking: extents) else {
      throw ImportProblem("\(extents) is no shape of at most 2^31 elements")
    }
    return shape
  }
}
