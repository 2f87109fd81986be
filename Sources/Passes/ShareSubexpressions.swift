import Foundation
import IR
import Operators
import TensorTypes

/// Computes equal operations once: the same operator with the same attributes on the same operands, which may be swapped
/// where the operator commutes. Constants of equal type and bits are one. The first of equal nodes stays.
public enum ShareSubexpressions: Pass {
  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    let builder = GraphBuilder(isClosed: graph.isClosed)
    var renamed: [Value] = []
    renamed.reserveCapacity(graph.nodes.count)
    var operations: [OperationKey: Value] = [:]
    var constants: [ConstantKey: Value] = [:]
    for node in graph.nodes {
      builder.location = node.location
      switch node.content {
      case .input(let name): renamed.append(builder.input(name, node.type))
      case .constant(let constant):
        let key = ConstantKey(tensor: constant.tensor)
        let value = constants[key] ?? builder.constant(constant.tensor, name: constant.name)
        constants[key] = value
        renamed.append(value)
      case .operation(let operation):
        let operands = node.operands.map { renamed[$0.index] }
        let key = OperationKey(operation, operands)
        let value: Value
        if let known = operations[key] { value = known } else { value = try builder.append(operation, operands) }
        operations[key] = value
        renamed.append(value)
      }
    }
    return builder.finish(name: graph.name, outputs: graph.outputs.map { ($0.name, renamed[$0.value.index]) })
  }
}

private struct OperationKey: Hashable {
  let mnemonic: String
  let attributes: Attributes
  let operands: [Value]

  init(_ operation: any Operator, _ operands: [Value]) {
    mnemonic = operation.mnemonic
    attributes = operation.attributes
    let commutes = (operation as? Elementwise)?.function.isCommutative ?? false
    self.operands = commutes ? operands.sorted() : operands
  }
}

/// A constant by its type and the bits of its elements.
private struct ConstantKey: Hashable {
  let tensor: HostTensor

  static func == (a: Self, b: Self) -> Bool {
    guard a.tensor.type == b.tensor.type else { return false }
    if a.isSmall { return a.bitPatterns == b.bitPatterns }
    return a.withBytes { x in
      b.withBytes { y in
        guard let first = x.baseAddress, let second = y.baseAddress else { return x.count == y.count }
        return x.count == y.count && (first == second || memcmp(first, second, x.count) == 0)
      }
    }
  }

  /// The first elements tell weights apart; only constants that agree there are compared to the end.
  func hash(into hasher: inout Hasher) {
    hasher.combine(tensor.type)
    if isSmall {
      hasher.combine(bitPatterns)
    } else {
      withBytes { hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0.prefix(4096))) }
    }
  }

  /// Small tensors compare as f64, so that a number is the same in either floating-point storage.
  private var isSmall: Bool { tensor.storage.count <= 64 && tensor.type.element.isFloatingPoint }
  private var bitPatterns: [UInt64] { tensor.doubles.map(\.bitPattern) }

  private func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch tensor.storage {
    case .float(let elements): elements.withUnsafeBytes(body)
    case .double(let elements): elements.withUnsafeBytes(body)
    case .integer(let elements): elements.withUnsafeBytes(body)
    case .boolean(let elements): elements.withUnsafeBytes(body)
    }
  }
}
