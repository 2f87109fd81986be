/// Why a model cannot be imported. `description` is one sentence: what, where, what would be accepted.
public enum ImportError: Error, Sendable, Equatable {
  /// The file cannot be opened or mapped.
  case unreadable(path: String, reason: String)
  case emptyFile
  /// The bytes are no well-formed protobuf message of the ONNX schema.
  case malformed(offset: Int, problem: String)
  /// A bound of the wire scan is exceeded.
  case limitExceeded(offset: Int, what: String, limit: Int)
  case missingGraph
  case unsupportedIRVersion(found: Int64, newest: Int64)
  /// `found` is nil when the model does not say which version of the ONNX operators it uses.
  case unsupportedOpset(found: Int64?, oldest: Int64, newest: Int64)
  case unknownOperators([UnknownOperator])
  /// A node that cannot be expressed.
  case node(NodeReference, problem: String)
  case tensor(name: String, problem: String)
  case externalData(tensor: String, location: String, problem: String)
  case duplicateName(name: String, first: String, second: String)
  /// A node or an output uses a value that nothing produces.
  case dangling(value: String, user: String)
  case cycle(nodes: [String])
  case noOutputs
  case inputType(input: String, found: String)
  case unusableOutput(output: String, found: String)
  case freeDimension(input: String, axis: Int, symbol: String?, shape: String)
  case inputOfUnknownRank(input: String)
  case unusableOption(String)
  /// The model is written for one batch size and does not follow another one.
  case fixedBatch(wanted: Int, problem: String)
  case shapeMismatch(input: String, declared: String, given: String)

  /// An operator without an import rule, and the nodes that use it.
  public struct UnknownOperator: Sendable, Equatable {
    public let domain: String
    public let type: String
    public let nodes: [String]
    /// Set when the model defines the operator itself, as a function.
    public let isModelFunction: Bool
  }

  public struct NodeReference: Sendable, Equatable {
    public let name: String
    public let type: String
  }
}

extension ImportError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
    case .emptyFile: "the file is empty; an ONNX model is expected"
    case .malformed(let offset, let problem): "not a whole ONNX model: \(problem), at byte \(offset)"
    case .limitExceeded(let offset, let what, let limit): "\(what), at byte \(offset); the limit is \(limit)"
    case .missingGraph: "not an ONNX model: it holds no graph"
    case .unsupportedIRVersion(let found, let newest):
      "the file has IR version \(found); versions 3 to \(newest) can be read"
    case .unsupportedOpset(let found?, let oldest, let newest):
      "the model uses ONNX operator set \(found)\(found > newest ? ", a future version" : ""); "
        + "operator sets \(oldest) to \(newest) can be read"
    case .unsupportedOpset(nil, let oldest, let newest):
      "the model does not say which ONNX operator set it uses; operator sets \(oldest) to \(newest) can be read"
    case .unknownOperators(let operators):
      "\(operators.count == 1 ? "an operator is" : "\(operators.count) operators are") not supported: "
        + operators.map(\.description).joined(separator: "; ")
    case .node(let node, let problem): "\(node.type) node \(quoted(node.name)): \(problem)"
    case .tensor(let name, let problem): "tensor \(quoted(name)): \(problem)"
    case .externalData(let tensor, let location, let problem):
      "tensor \(quoted(tensor)) is stored in \(quoted(location)), which \(problem)"
    case .duplicateName(let name, let first, let second): "\(quoted(name)) is defined twice: by \(first) and by \(second)"
    case .dangling(let value, let user): "\(user) uses \(quoted(value)), which nothing in the model produces"
    case .cycle(let nodes): "the graph has a cycle: \(list(nodes + [nodes[0]], separator: " -> "))"
    case .noOutputs: "the graph has no outputs"
    case .inputType(let input, let found):
      "input \(quoted(input)) is \(found); tensors of \(TensorElementCode.acceptedNames) are accepted"
    case .unusableOutput(let output, let found): "output \(quoted(output)) is \(found); tensors are accepted"
    case .freeDimension(let input, let axis, let symbol, let shape):
      "dimension \(axis)\(symbol.map { " (\(printable($0)))" } ?? "") of input \(quoted(input)) \(shape) is free; "
        + "fix it with --shape \(printable(input))=1,3,224,224 (one number per dimension)"
    case .inputOfUnknownRank(let input):
      "input \(quoted(input)) has no shape; give one with --shape \(printable(input))=1,3,224,224 (one number per dimension)"
    case .unusableOption(let problem): problem
    case .fixedBatch(let wanted, let problem):
      "the model is written for another batch size and cannot be used with batch size \(wanted): \(problem)"
    case .shapeMismatch(let input, let declared, let given):
      "input \(quoted(input)) is \(declared) in the model, which the given \(given) does not fit"
    }
  }
}

extension ImportError.UnknownOperator: CustomStringConvertible {
  public var description: String {
    let name = domain.isEmpty ? printable(type) : "\(printable(domain)).\(printable(type))"
    let kind = isModelFunction ? " (a function of the model; export it with functions inlined)" : ""
    return "\(name)\(kind) at \(list(nodes.map(quoted), separator: ", "))"
  }
}

/// The first ten words, and how many there are beside.
private func list(_ words: [String], separator: String) -> String {
  words.prefix(10).joined(separator: separator) + (words.count > 10 ? " and \(words.count - 10) more" : "")
}

/// A name of the model between quotes, fit for one line of a terminal.
func quoted(_ name: String) -> String { "\"\(printable(name))\"" }

/// A name of the model without control characters, and shortened.
func printable(_ name: String) -> String {
  let scalars = name.unicodeScalars.prefix(200).map { scalar -> String in
    scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
      ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
  }
  return scalars.joined() + (name.unicodeScalars.count > 200 ? "..." : "")
}
