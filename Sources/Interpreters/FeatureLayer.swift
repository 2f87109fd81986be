import IR
import Operators
import TensorTypes

/// Which feature map of a classifier an interpreter looks at.
public enum FeatureLayer: Sendable, Equatable {
  /// The one that is pooled into the linear layer, where there is one, and otherwise the last ahead of the scores.
  case last
  /// The last with this height and width.
  case size(height: Int, width: Int)
  /// The result of an ONNX node, by its name or that of its first output.
  case node(String)
}

/// A feature map: a value [B, K, h, w] of more than one place behind a convolution, on which the scores depend.
struct FeatureMap {
  let value: Value
  let channelsLast: Bool

  /// - Throws: `InterpreterError.noFeatureMap` saying what there is instead.
  init(_ layer: FeatureLayer, of graph: Graph, scores: Value) throws(InterpreterError) {
    if layer == .last, let head = try? PooledLinearHead(of: graph, logits: scores), head.featuresHavePlaces(in: graph) {
      (value, channelsLast) = (head.features, head.channelsLast)
      return
    }
    channelsLast = false
    let maps = graph.featureMaps(aheadOf: scores)
    switch layer {
    case .last:
      guard let last = maps.last else {
        throw .noFeatureMap(wanted: "a feature map", found: "no convolution with more than one place leads to the scores")
      }
      value = last
    case .size(let height, let width):
      guard let last = maps.last(where: { graph[$0].type.shape.extents.suffix(2) == [height, width] }) else {
        var sizes: [String] = []
        for map in maps {
          let size = graph[map].type.shape.extents.suffix(2).map(String.init).joined(separator: "x")
          if !sizes.contains(size) { sizes.append(size) }
        }
        throw .noFeatureMap(
          wanted: "a feature map of \(height)x\(width)", found: "those of \(sizes.joined(separator: ", ")) are there")
      }
      value = last
    case .node(let name):
      if let map = maps.last(where: { graph[$0].location.node == name }) {
        value = map
        return
      }
      guard let other = graph.values.last(where: { graph[$0].location.node == name }) else {
        let last = maps.compactMap { graph[$0].location.node }.last
        throw .noFeatureMap(
          wanted: "a node '\(name)'",
          found: "a node ahead of the scores is expected" + (last.map { ", such as '\($0)'" } ?? ""))
      }
      throw .noFeatureMap(
        wanted: "a feature map of node '\(name)'",
        found: "its result is \(graph[other].type), where [B, K, h, w] behind a convolution is expected")
    }
  }
}

extension PooledLinearHead {
  fileprivate func featuresHavePlaces(in graph: Graph) -> Bool {
    let shape = graph[features].type.shape
    return (channelsLast ? shape[1] * shape[2] : shape[2] * shape[3]) > 1
  }
}

extension Graph {
  /// In their order.
  fileprivate func featureMaps(aheadOf scores: Value) -> [Value] {
    var leads = Set([scores])
    for index in stride(from: scores.index, through: 0, by: -1) where leads.contains(Value(index)) {
      leads.formUnion(nodes[index].operands)
    }
    var convolved: Set<Value> = []
    for (index, node) in nodes.enumerated() {
      let isConvolution = node.operation is Convolution && !isConstantExpression(Value(index))
      if isConvolution || node.operands.contains(where: convolved.contains) { convolved.insert(Value(index)) }
    }
    return values.filter { value in
      let type = self[value].type
      return leads.contains(value) && convolved.contains(value) && type.element.isFloatingPoint && type.shape.rank == 4
        && type.shape[0] == self[scores].type.shape[0] && type.shape[2] * type.shape[3] > 1
    }
  }
}
