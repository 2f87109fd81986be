import IR
import Operators
import TensorTypes

/// y[n, c, ...] = scale[c] · x[n, c, ...] + shift[c]
struct ChannelMap {
  var scale: [Double]
  var shift: [Double]

  var changesScale: Bool { scale.contains { $0 != 1 } }
  var changesShift: Bool { shift.contains { $0 != 0 } }
  private var isFinite: Bool { scale.allSatisfy(\.isFinite) && shift.allSatisfy(\.isFinite) }

  /// The shift t with scale · (x + t) = scale · x + shift, or nil where a scale is too small for one.
  var shiftBeforeScale: [Double]? {
    let quotients = zip(scale, shift).map { (scale: Double, shift: Double) in shift == 0 ? 0 : shift / scale }
    return quotients.allSatisfy { abs($0) < 1e30 } ? quotients : nil
  }

  func followed(by next: ChannelMap) -> ChannelMap? {
    let scale = zip(self.scale, next.scale).map { $0 * $1 }
    let shift = zip(zip(self.shift, next.scale), next.shift).map { $0.0 * $0.1 + $1 }
    let map = ChannelMap(scale: scale, shift: shift)
    return map.isFinite ? map : nil
  }
}

/// The longest chains of elementwise operations with per-channel constants, whose steps have no other user.
struct ChannelChains {
  struct Chain {
    let base: Value
    let map: ChannelMap
    /// How many operations the chain consists of.
    let length: Int
  }

  let useCounts: [Int]
  private var chains: [Value: Chain] = [:]
  private var isContinued: Set<Value> = []

  init(_ graph: Graph) {
    useCounts = graph.useCounts
    for (index, node) in graph.nodes.enumerated() {
      guard let (operand, step) = Self.step(node, in: graph) else { continue }
      if let chain = chains[operand], useCounts[operand.index] == 1, let map = chain.map.followed(by: step) {
        chains[Value(index)] = Chain(base: chain.base, map: map, length: chain.length + 1)
        isContinued.insert(operand)
      } else {
        chains[Value(index)] = Chain(base: operand, map: step, length: 1)
      }
    }
  }

  /// The chain whose last operation gives this value and which goes no further.
  func ending(at value: Value) -> Chain? { isContinued.contains(value) ? nil : chains[value] }

  private static func step(_ node: Node, in graph: Graph) -> (operand: Value, ChannelMap)? {
    guard let function = (node.operation as? Elementwise)?.function, node.type.shape.rank >= 2,
      node.type.element.isFloatingPoint
    else { return nil }
    let channels = node.type.shape[1]
    func constant(_ index: Int) -> [Double]? {
      BroadcastConstant(node.operands[index], in: graph.nodes)?.vector(along: 1, of: node.type.shape)
    }
    func map(_ scale: [Double]? = nil, _ shift: [Double]? = nil) -> ChannelMap? {
      let identity = ChannelMap(
        scale: [Double](repeating: 1, count: channels), shift: [Double](repeating: 0, count: channels))
      return identity.followed(by: ChannelMap(scale: scale ?? identity.scale, shift: shift ?? identity.shift))
    }
    let step: (Int, ChannelMap?)?
    switch function {
    case .negate: step = (0, map([Double](repeating: -1, count: channels)))
    case .add: step = constant(1).map { (0, map(nil, $0)) } ?? constant(0).map { (1, map(nil, $0)) }
    case .subtract:
      step =
        constant(1).map { (0, map(nil, $0.map(-))) }
        ?? constant(0).map { (1, map([Double](repeating: -1, count: channels), $0)) }
    case .multiply: step = constant(1).map { (0, map($0)) } ?? constant(0).map { (1, map($0)) }
    case .divide: step = constant(1).map { (0, map($0.map { 1 / $0 })) }
    default: step = nil
    }
    guard let (index, map) = step, let map else { return nil }
    return (node.operands[index], map)
  }
}
