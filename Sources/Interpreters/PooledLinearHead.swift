import IR
import Operators
import TensorTypes

/// The end of a network whose logits are a linear layer of spatially pooled features, found by structure:
/// z[b, c] = scale · Σ_k W[c, k] · Σ_ij A[b, k, i, j] + bias[c]
struct PooledLinearHead {
  /// The linear layer, or the pooling itself when the pooled features are the logits.
  let layer: Value
  /// W behind reshapes, with its classes along `classAxis`; nil when it is the identity.
  var weights: (value: Value, classAxis: Int)?
  /// A behind its layout: [B, K, h, w], or [B, h, w, K] with `channelsLast`.
  let features: Value
  let channelsLast: Bool
  let scale: Double

  /// - Throws: `InterpreterError.noClassActivationMap` naming what stands in place of the linear layer or the pooling.
  init(of graph: Graph, logits: Value) throws(InterpreterError) {
    var scale = 1.0
    let last = graph.walk(from: logits, scale: &scale, acrossConstantTerms: true)
    if let pooling = graph.spatialPooling(last) {
      // Pooled class maps: a term that is constant over the map has no part in it.
      var features = pooling.features
      if let operand = graph.withoutConstantTerm(features) { features = operand }
      self.init(layer: last, weights: nil, features: features, channelsLast: pooling.channelsLast, scale: scale)
      return
    }
    guard let linear = graph.linearLayer(last) else {
      throw .noClassActivationMap(found: "the logits come from \(graph.words(for: last)), which is no linear layer")
    }
    let pooled = graph.walk(from: linear.operand, scale: &scale, acrossConstantTerms: false)
    guard let pooling = graph.spatialPooling(pooled) else {
      throw .noClassActivationMap(
        found: "the linear layer \(graph.words(for: last)) takes \(graph.words(for: pooled)), "
          + "which is no sum or mean over the places of a feature map")
    }
    self.init(
      layer: last, weights: (linear.weights, linear.classAxis), features: pooling.features,
      channelsLast: pooling.channelsLast, scale: scale)
  }

  private init(layer: Value, weights: (Value, Int)?, features: Value, channelsLast: Bool, scale: Double) {
    self.layer = layer
    self.weights = weights
    self.features = features
    self.channelsLast = channelsLast
    self.scale = scale
  }
}

extension Graph {
  /// Goes back across reshapes, permutations that move no element, constant factors and, if asked, constant terms.
  fileprivate func walk(from value: Value, scale: inout Double, acrossConstantTerms: Bool) -> Value {
    var value = value
    while true {
      if self[value].operation is Reshape || isOrderKeepingPermutation(value) {
        value = self[value].operands[0]
      } else if let (operand, factor) = scaled(value) {
        value = operand
        scale *= factor
      } else if acrossConstantTerms, let operand = withoutConstantTerm(value) {
        value = operand
      } else {
        return value
      }
    }
  }

  private func isOrderKeepingPermutation(_ value: Value) -> Bool {
    guard let permute = self[value].operation as? Permute else { return false }
    let shape = self[self[value].operands[0]].type.shape
    let moved = permute.order.filter { shape[$0] != 1 }
    return moved == moved.sorted()
  }

  /// A matrix product [B, K] × constant, or a convolution of [B, K, 1, 1] with a constant 1 × 1 filter.
  fileprivate func linearLayer(_ value: Value) -> (operand: Value, weights: Value, classAxis: Int)? {
    let node = self[value]
    if let product = node.operation as? MatrixProduct, !product.transposeLeft, node.type.shape.rank == 2,
      isConstantExpression(node.operands[1])
    {
      return (node.operands[0], node.operands[1], product.transposeRight ? 0 : 1)
    }
    if let convolution = node.operation as? Convolution, convolution.solving == .output, convolution.groups == 1,
      node.type.shape.extents.dropFirst(2).allSatisfy({ $0 == 1 }), convolution.pads.allSatisfy({ $0 == 0 }),
      self[node.operands[0]].type.shape.extents.dropFirst(2).allSatisfy({ $0 == 1 }), isConstantExpression(node.operands[1])
    {
      return (node.operands[0], node.operands[1], 0)
    }
    return nil
  }

  /// A sum over all places of a feature map: over both spatial axes, over both flattened into one, or over one window that
  /// covers the map.
  fileprivate func spatialPooling(_ value: Value) -> (features: Value, channelsLast: Bool)? {
    guard let operand = self[value].operands.first else { return nil }
    let shape = self[operand].type.shape
    if let sum = self[value].operation as? Sum {
      if shape.rank == 4, sum.axes == [2, 3] { return (operand, false) }
      if shape.rank == 4, sum.axes == [1, 2] { return (operand, true) }
      guard shape.rank == 3, sum.axes.count == 1, sum.axes[0] > 0 else { return nil }
      let map = strippingReshapes(operand)
      let extents = self[map].type.shape.extents
      guard extents.count == 4, extents[0] == shape[0] else { return nil }
      if sum.axes == [2], extents[1] == shape[1] { return (map, false) }
      if sum.axes == [1], extents[3] == shape[2] { return (map, true) }
      return nil
    }
    if let window = (self[value].operation as? WindowSum)?.window, shape.rank == 4, window.extents == [1, 1],
      window.kernel == Array(shape.extents[2...]), window.pads == [0, 0], window.dilations == [1, 1]
    {
      return (operand, false)
    }
    return nil
  }
}
