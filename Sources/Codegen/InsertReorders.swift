import IR
import Operators
import Passes
import TensorTypes

/// Puts inputs and outputs of the graph, which are row-major, into blocks of channels beside convolutions.
///
/// An input that a convolution reads is reordered once, and every user reads it in blocks. An output that a convolution
/// computes or reads is computed in blocks and reordered last. Only images of 8 channels and more: tiles read fewer channels
/// as fast from rows. Without it depthwise convolutions and convolutions in groups fall back to plain loops, and epilogues
/// to scalar ones. Runs after Fuse.
enum InsertReorders: Pass {
  static func run(_ graph: Graph) throws(TypeError) -> Graph {
    let images = try images(graph)
    if images.isEmpty { return graph }
    let builder = GraphBuilder(isClosed: graph.isClosed)
    // What users read, and what leaves the graph.
    var inner: [Value] = []
    var outer: [Value] = []
    for value in graph.values {
      let node = graph[value]
      builder.location = node.location
      switch node.content {
      case .input(let name):
        outer.append(builder.input(name, node.type))
        inner.append(
          images.contains(value) ? try builder.append(Reorder(to: .blocked), [outer[value.index]]) : outer[value.index])
      case .constant(let constant):
        inner.append(builder.constant(constant.tensor, name: constant.name))
        outer.append(inner[value.index])
      case .operation(let operation):
        inner.append(try builder.append(operation, node.operands.map { inner[$0.index] }))
        outer.append(
          images.contains(value) ? try builder.append(Reorder(to: .plain), [inner[value.index]]) : inner[value.index])
      }
    }
    return builder.finish(name: graph.name, outputs: graph.outputs.map { ($0.name, outer[$0.value.index]) })
  }

  /// The inputs and outputs that lie in blocks inside of the graph.
  private static func images(_ graph: Graph) throws(TypeError) -> Set<Value> {
    let ends = Set(graph.inputs + graph.outputs.map(\.value))
    var images: Set<Value> = []
    for value in graph.values where try graph.isTiledConvolution(value) {
      for image in graph[value].operands + [value] {
        let type = graph[image].type
        if ends.contains(image), type.element == .float32, Buffer.inner(type).layout == .blocked { images.insert(image) }
      }
    }
    return images
  }
}

extension Graph {
  /// Whether a convolution with a constant filter computes the value: these are summed in register tiles.
  fileprivate func isTiledConvolution(_ value: Value) throws(TypeError) -> Bool {
    guard self[value].operation != nil else { return false }
    let region = try JoinedNodes([value], in: self)
    for node in region.body.nodes {
      guard let convolution = node.operation as? Convolution, convolution.solving != .filter else { continue }
      let filter = node.operands[convolution.solving == .output ? 1 : 0]
      if let number = region.body.inputs.firstIndex(of: filter) { return self[region.operands[number]].constant != nil }
    }
    return false
  }
}
