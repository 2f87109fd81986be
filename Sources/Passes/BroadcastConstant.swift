import IR
import Operators
import TensorTypes

/// A constant seen through one broadcast: operand axis a of `tensor` is axis axes[a] of the value.
struct BroadcastConstant {
  let name: String
  let tensor: HostTensor
  let axes: [Int]

  init?(_ value: Value, in nodes: [Node]) {
    let node = nodes[value.index]
    switch node.content {
    case .constant(let constant):
      self.init(name: constant.name, tensor: constant.tensor, axes: Array(0..<node.type.shape.rank))
    case .operation(let operation):
      guard let broadcast = operation as? Broadcast, case .constant(let constant) = nodes[node.operands[0].index].content
      else { return nil }
      self.init(name: constant.name, tensor: constant.tensor, axes: broadcast.axes)
    case .input: return nil
    }
  }

  private init(name: String, tensor: HostTensor, axes: [Int]) {
    self.name = name
    self.tensor = tensor
    self.axes = axes
  }

  /// The elements along one axis of a value of the given shape, if the constant varies along that axis at most.
  func vector(along axis: Int, of shape: Shape) -> [Double]? {
    for (source, target) in axes.enumerated() where target != axis && tensor.shape[source] != 1 { return nil }
    if tensor.storage.count == shape[axis] { return tensor.doubles }
    return tensor.storage.count == 1 ? [Double](repeating: tensor.doubles[0], count: shape[axis]) : nil
  }
}

extension HostTensor {
  /// The number that every element is equal to, if there is one.
  var uniformElement: Double? {
    func uniform<Element: Equatable>(_ elements: [Element]) -> Element? {
      guard let first = elements.first, elements.allSatisfy({ $0 == first }) else { return nil }
      return first
    }
    switch storage {
    case .float(let elements): return uniform(elements).map(Double.init)
    case .double(let elements): return uniform(elements)
    case .integer(let elements): return uniform(elements).map(Double.init)
    case .boolean(let elements): return uniform(elements).map { $0 ? 1 : 0 }
    }
  }
}
