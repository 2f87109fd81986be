import IR
import Operators
import Passes
import TensorTypes

/// One kernel call of a schedule, before buffers have addresses.
struct ScheduledStep {
  let kernel: KernelText
  let region: Region
  /// The values read, in the order of the region's operands, and the value written.
  let operands: [Value]
  let result: Value
  /// Offset in the constant pool of operands that are packed for this kernel.
  let packed: [Int: Int]
  let algorithm: String
  let location: Location

  var results: [Value] { [result] }
}

/// A fused graph with an algorithm, layouts and memory for every operation.
struct Schedule {
  let graph: Graph
  let buffers: [Buffer]
  let steps: [ScheduledStep]

  /// - Parameter graph: after Fuse.
  init(_ graph: Graph, pool: inout ConstantPool, vectorRegisters: Int) {
    self.graph = graph
    let outputs = Set(graph.outputs.map(\.value))
    let buffers = graph.values.map { value -> Buffer in
      if case .input = graph[value].content { return .outer(graph[value].type) }
      return outputs.contains(value) ? .outer(graph[value].type) : .inner(graph[value].type)
    }
    self.buffers = buffers
    var steps: [ScheduledStep] = []
    for value in graph.values {
      let node = graph[value]
      // Nothing computes an empty result.
      guard let operation = node.operation, node.type.shape.elementCount > 0 else { continue }
      let operands = node.operands
      let region = Region(
        body: (operation as? Fused)?.body ?? Graph(wrapping: operation, operands.map { graph[$0].type }, node.type),
        operands: operands.map { buffers[$0.index] }, result: buffers[value.index])
      func step(_ kernel: KernelText, _ algorithm: String, packed: [Int: Int] = [:]) {
        steps.append(
          ScheduledStep(
            kernel: kernel, region: region, operands: operands, result: value, packed: packed, algorithm: algorithm,
            location: node.location.node == nil ? region.location : node.location))
      }
      if let product = TiledProduct(region, constants: operands.map { graph[$0].constant }) {
        var writer = TiledProductKernel(product, region, vectorRegisters: vectorRegisters)
        let weights = pool.add(product.pack(writer.tile))
        step(
          writer.kernel(), "\(product.algorithm) \(writer.tile.positions)x\(writer.tile.blocks)",
          packed: [product.weightsOperand: weights])
      } else if case .concatenate(let axis)? = region.loopForm(region.root) {
        for kernel in ConcatenateKernels.kernels(region, axis: axis) { step(kernel, "copy") }
      } else {
        step(LoopKernel.kernel(region), "loops")
      }
    }
    self.steps = steps
  }
}

extension Graph {
  /// One operation as a region's body.
  init(wrapping operation: any Operator, _ operands: [TensorType], _ result: TensorType) {
    let inputs = operands.enumerated().map { Node(.input(name: "x\($0.offset)"), [], $0.element, .unknown) }
    let values = inputs.indices.map(Value.init)
    self.init(
      name: "region", nodes: inputs + [Node(.operation(operation), values, result, .unknown)], inputs: values,
      outputs: [Output(name: "y", value: Value(inputs.count))])
  }
}

extension Region {
  /// The location of the anchor, or of the last operation that has one.
  var location: Location {
    if let anchor, body[anchor].location.node != nil { return body[anchor].location }
    return body.nodes.last { $0.location.node != nil }?.location ?? .unknown
  }
}
