/// An ONNX file as plain values: the graph's structure, with the elements of its tensors still in the file.
public struct ONNXModel: Sendable {
  public let irVersion: Int64
  public let producerName: String
  public let producerVersion: String
  /// Versions of the operator sets, by domain, in the order of the file; "" is the domain of ONNX itself.
  public let operatorSets: [(domain: String, version: Int64)]
  /// The functions that the model defines itself.
  public let functions: [(domain: String, name: String)]
  public let graph: ONNXGraph
  /// Where the elements of tensors are read from.
  let elements: ElementSource
}

public struct ONNXGraph: Sendable {
  public let name: String
  public let nodes: [ONNXNode]
  public let initialisers: [ONNXTensor]
  /// Names of initialisers stored in sparse form.
  public let sparseInitialisers: [String]
  public let inputs: [ONNXValue]
  public let outputs: [ONNXValue]
}

public struct ONNXNode: Sendable {
  public let name: String
  public let type: String
  public let domain: String
  /// Names of values; an optional operand that is absent is "".
  public let inputs: [String]
  public let outputs: [String]
  public let attributes: [ONNXAttribute]

  /// The name of the node, or of its first output when it has none.
  public var label: String { name.isEmpty ? outputs.first { !$0.isEmpty } ?? "" : name }
}

public struct ONNXAttribute: Sendable {
  public enum Value: Sendable {
    case float(Float)
    case integer(Int64)
    case string(String)
    case tensor(ONNXTensor)
    case floats([Float])
    case integers([Int64])
    case strings([String])
    /// A kind that no supported operator has: a subgraph, a sparse tensor, a type, several tensors.
    case unsupported(kind: String)
  }
  public let name: String
  public let value: Value
}

/// An input or output of a graph with its declared type.
public struct ONNXValue: Sendable {
  public enum Kind: Sendable {
    /// The shape is nil when not even the rank is declared.
    case tensor(TensorElementCode, [ONNXDimension]?)
    /// Anything but a tensor, in words.
    case other(String)
  }
  public let name: String
  public let kind: Kind

  /// The words for a value whose type the model leaves open, as it may for outputs.
  static let undeclared = "of no declared type"
}

public enum ONNXDimension: Sendable, Equatable {
  case extent(Int64)
  /// Free; with the symbol that the model calls it by, if any.
  case free(symbol: String?)
}

/// A tensor of a model: its type, and where its elements are.
public struct ONNXTensor: Sendable {
  enum Storage: Sendable {
    case absent
    case payload(WireScan.Payload)
    case int32([Int32])
    case int64([Int64])
    case external([(key: String, value: String)])
  }
  public let name: String
  public let element: TensorElementCode
  public let dimensions: [Int64]
  let storage: Storage
}
