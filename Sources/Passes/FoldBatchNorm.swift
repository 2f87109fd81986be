import IR
import Operators
import TensorTypes

/// Folds per-channel affine maps, y[n, c, ...] = scale[c] · x[n, c, ...] + shift[c], into the constant filters beside them.
///
/// - Behind a forward convolution, or a matrix product with a constant right operand, whose result has no other user and is
///   no output: scale · (x ∗ w) + shift = x ∗ (scale · w) + shift.
/// - Ahead of a convolution that is the map's only user: (scale · x + shift) ∗ w = x ∗ (w · scale) + Σ w · shift when it
///   reads no padding. The padding of a padded one is zero behind the map, not ahead of it, so only the scale
///   folds there, and x + shift / scale remains.
/// - A chain of such maps becomes at most one multiplication and one addition.
public enum FoldBatchNorm: Pass {
  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    var graph = try RemoveDeadNodes.run(graph)
    while true {
      // What folds behind one convolution may then stand ahead of the next.
      let behind = try RemoveDeadNodes.run(try foldBehind(graph))
      let ahead = try RemoveDeadNodes.run(try foldAhead(behind))
      let folded = try RemoveDeadNodes.run(try foldBehind(ahead))
      if folded.nodes.count >= graph.nodes.count { return graph }
      graph = folded
    }
  }

  private static func foldBehind(_ graph: Graph) throws(TypeError) -> Graph {
    let chains = ChannelChains(graph)
    var renamed: [Value: Value] = [:]
    return try graph.rewritten { (node, value, operands, builder) throws(TypeError) -> Value? in
      for (old, new) in zip(node.operands, operands) { renamed[old] = new }
      guard let chain = chains.ending(at: value), let base = renamed[chain.base] else { return nil }
      let map = chain.map
      let source = graph[chain.base]
      if map.changesScale, chains.useCounts[chain.base.index] == 1, let operation = source.operation,
        let (name, tensor) = scaledWeights(of: source, by: map.scale, in: graph),
        let input = renamed[source.operands[0]]
      {
        let weights = builder.constant(tensor, name: name)
        let product = try builder.at(source.location) { () throws(TypeError) in
          try builder.append(operation, [input, weights])
        }
        return try builder.addChannels(map.shift, to: product)
      }
      let steps = (map.changesScale ? 1 : 0) + (map.changesShift ? 1 : 0)
      guard steps < chain.length else { return nil }
      return try builder.addChannels(map.shift, to: try builder.multiplyChannels(map.scale, with: base))
    }
  }

  private static func foldAhead(_ graph: Graph) throws(TypeError) -> Graph {
    let chains = ChannelChains(graph)
    var renamed: [Value: Value] = [:]
    return try graph.rewritten { (node, _, operands, builder) throws(TypeError) -> Value? in
      for (old, new) in zip(node.operands, operands) { renamed[old] = new }
      guard let convolution = node.operation as? Convolution, convolution.solving == .output,
        case .constant(let filter) = graph[node.operands[1]].content,
        let chain = chains.ending(at: node.operands[0]), chains.useCounts[node.operands[0].index] == 1,
        let base = renamed[chain.base]
      else { return nil }
      let map = chain.map
      let readsPadding = convolution.readsPadding(input: graph[node.operands[0]].type.shape, filter: filter.tensor.shape)
      if readsPadding {
        guard map.changesScale, let remaining = map.shiftBeforeScale else { return nil }
        let weights = filter.scaled(node.type, groups: convolution.groups, inputScale: map.scale)
        let shifted = try builder.addChannels(remaining, to: base)
        return try builder.append(convolution, [shifted, builder.constant(weights.tensor, name: weights.name)])
      }
      let weights = filter.scaled(node.type, groups: convolution.groups, inputScale: map.scale)
      let response = filter.response(toInput: map.shift, groups: convolution.groups)
      let product = try builder.append(convolution, [base, builder.constant(weights.tensor, name: weights.name)])
      return try builder.addChannels(response, to: product)
    }
  }

  /// The constant weights of a convolution or matrix product with each output channel scaled.
  private static func scaledWeights(of node: Node, by scale: [Double], in graph: Graph) -> (name: String, HostTensor)? {
    guard node.operands.count == 2, case .constant(let weights) = graph[node.operands[1]].content else { return nil }
    let channelAxis: Int
    switch node.operation {
    case let convolution as Convolution where convolution.solving == .output: channelAxis = 0
    case let product as MatrixProduct where node.type.shape.rank == 2: channelAxis = product.transposeRight ? 0 : 1
    default: return nil
    }
    let shape = weights.tensor.shape
    let inner = shape.extents[(channelAxis + 1)...].reduce(1, *)
    var elements: [Double] = weights.tensor.doubles
    for index in elements.indices { elements[index] *= scale[index / inner % shape[channelAxis]] }
    return (weights.name.folded, HostTensor(weights.tensor.type, .double(elements)))
  }
}

extension String {
  /// The name of a constant that another one was folded into.
  var folded: String { hasSuffix(".folded") ? self : self + ".folded" }
}

extension Constant {
  /// Calls `body` with every element of a filter [K, C/G, F...] and the number of the input channel it multiplies.
  private func forEachElement(groups: Int, _ body: (_ index: Int, _ outputChannel: Int, _ inputChannel: Int) -> Void) {
    let shape = tensor.shape
    let taps = shape.extents[2...].reduce(1, *)
    let perGroup = shape[1]
    let outputsPerGroup = max(shape[0] / groups, 1)
    var index = 0
    for k in 0..<shape[0] {
      for c in 0..<perGroup {
        for _ in 0..<taps {
          body(index, k, k / outputsPerGroup * perGroup + c)
          index += 1
        }
      }
    }
  }

  fileprivate func scaled(_ type: TensorType, groups: Int, inputScale: [Double]) -> Constant {
    var elements: [Double] = tensor.doubles
    forEachElement(groups: groups) { index, _, channel in elements[index] *= inputScale[channel] }
    return Constant(name: name.folded, tensor: HostTensor(tensor.type, .double(elements)))
  }

  /// What the unpadded convolution makes of an input that is `shift[c]` all over channel c.
  fileprivate func response(toInput shift: [Double], groups: Int) -> [Double] {
    let elements: [Double] = tensor.doubles
    var sums = [Double](repeating: 0, count: tensor.shape[0])
    forEachElement(groups: groups) { index, output, channel in sums[output] += elements[index] * shift[channel] }
    return sums
  }
}

extension Convolution {
  /// Whether some output reads a position outside of the input.
  fileprivate func readsPadding(input: Shape, filter: Shape) -> Bool {
    pads.indices.contains { axis in
      let last = (shape[axis + 2] - 1) * strides[axis] + (filter[axis + 2] - 1) * dilations[axis] - pads[axis]
      return pads[axis] > 0 || last >= input[axis + 2]
    }
  }
}

extension GraphBuilder {
  fileprivate func addChannels(_ shift: [Double], to x: Value) throws(TypeError) -> Value {
    shift.allSatisfy { $0 == 0 } ? x : try append(Elementwise(.add), [x, try channels(shift, like: x, name: "shift")])
  }

  fileprivate func multiplyChannels(_ scale: [Double], with x: Value) throws(TypeError) -> Value {
    scale.allSatisfy { $0 == 1 } ? x : try append(Elementwise(.multiply), [x, try channels(scale, like: x, name: "scale")])
  }

  private func channels(_ elements: [Double], like x: Value, name: String) throws(TypeError) -> Value {
    let type = type(of: x)
    let prefix = location.node.map { $0 + "." } ?? ""
    let vector = constant(HostTensor(TensorType(type.element, [elements.count]), .double(elements)), name: prefix + name)
    return try broadcast(vector, to: type.shape, axes: [1])
  }
}
