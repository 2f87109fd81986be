import IR
import Operators

/// When the values of a growing list of nodes can be known: when the newest input, or result of loops of its own, that they
/// follow from by elementwise operations and broadcasts is.
struct TensorAges {
  private var ages: [Int] = []

  /// Takes in the nodes that have been appended.
  mutating func extend(by nodes: [Node]) {
    for index in ages.count..<nodes.count {
      let node = nodes[index]
      switch node.operation {
      case nil: ages.append(node.constant != nil ? -1 : index)
      case is Broadcast, is Elementwise, is Convert: ages.append(node.operands.map { ages[$0.index] }.max() ?? -1)
      default: ages.append(index)
      }
    }
  }

  /// The index of that input or result; −1 for constants.
  subscript(_ value: Value) -> Int { ages[value.index] }
}
