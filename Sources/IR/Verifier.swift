import TensorTypes

/// A broken invariant of a graph.
public struct VerificationError: Error, Sendable, CustomStringConvertible {
  public let graph: String
  public let problem: String
  public var description: String { "graph @\(graph): \(problem)" }
}

extension Graph {
  /// Checks that operands come before their uses, that every type is the one its operator derives, that names are unique,
  /// and that inputs and outputs exist.
  public func verify() throws(VerificationError) {
    func fail(_ problem: String) -> VerificationError { VerificationError(graph: name, problem: problem) }
    var constantNames: Set<String> = []
    var inputNames: Set<String> = []
    var inputCount = 0
    for (index, node) in nodes.enumerated() {
      for operand in node.operands where !(0..<index).contains(operand.index) {
        throw fail("%\(index) uses %\(operand.index), which does not come before it")
      }
      switch node.content {
      case .input(let name):
        inputCount += 1
        if !inputNames.insert(name).inserted { throw fail("two inputs are called \(name)") }
        if !inputs.contains(Value(index)) { throw fail("input \(name) is not in the signature") }
      case .constant(let constant):
        if !constantNames.insert(constant.name).inserted { throw fail("two constants are called \(constant.name)") }
        if constant.tensor.type != node.type { throw fail("%\(index) is \(node.type), its tensor \(constant.tensor.type)") }
      case .operation(let operation):
        let derived: TensorType
        do { derived = try operation.resultType(of: node.operands.map { self[$0].type }) } catch {
          throw fail("%\(index): \(error)")
        }
        if derived != node.type { throw fail("%\(index) is \(node.type), its operator derives \(derived)") }
      }
    }
    if inputCount != inputs.count || Set(inputs).count != inputs.count {
      throw fail("the signature repeats or lacks an input")
    }
    if inputs != inputs.sorted() { throw fail("the signature is not in the order of the input nodes") }
    var outputNames: Set<String> = []
    for output in outputs {
      if !nodes.indices.contains(output.value.index) { throw fail("output \(output.name) does not exist") }
      if !outputNames.insert(output.name).inserted { throw fail("two outputs are called \(output.name)") }
    }
  }
}
