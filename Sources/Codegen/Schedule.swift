import IR
import Operators
import Passes
import TensorTypes

/// One kernel call of a schedule, before buffers have addresses.
struct ScheduledStep {
  let kernel: KernelText
  let region: Region
  /// The values read, in the order of the region's operands, and those written.
  let operands: [Value]
  let results: [Value]
  /// Offset in the constant pool of operands that are packed for this kernel.
  let packed: [Int: Int]
  let algorithm: String
  /// What the algorithm computes, which may be less than the region asks for.
  let floatingPointOperations: Int
  let location: Location
}

/// A fused graph with an algorithm, layouts and memory for every operation.
struct Schedule {
  let graph: Graph
  let buffers: [Buffer]
  private(set) var steps: [ScheduledStep] = []
  private let distances: ReuseDistances

  /// - Parameter graph: after Fuse and InsertReorders.
  init(_ graph: Graph, pool: inout ConstantPool, registers: VectorRegisters, cacheByteCount: Int) throws(TypeError) {
    self.graph = graph
    buffers = Self.buffers(graph)
    distances = ReuseDistances(graph, buffers, cacheByteCount: cacheByteCount)
    var joined: Set<Value> = []
    for value in graph.values where !joined.contains(value) {
      let node = graph[value]
      // Nothing computes an empty result.
      guard node.operation != nil, node.type.shape.elementCount > 0 else { continue }
      let alone = try JoinedNodes([value], in: graph)
      guard let product = product(alone) else {
        if let (kernel, nodes) = try windows(alone, besides: joined) {
          joined.formUnion(nodes.members)
          add(kernel, region(nodes), nodes, "windows")
        } else {
          addLoops(alone)
        }
        continue
      }
      let more = try joinedOutputs(of: value, besides: joined, registers: registers)
      if let more, let product = self.product(more) {
        joined.formUnion(more.members)
        add(product, more, registers: registers, &pool)
      } else {
        add(product, alone, registers: registers, &pool)
      }
    }
  }

  private static func buffers(_ graph: Graph) -> [Buffer] {
    let outer = Set(graph.inputs + graph.outputs.map(\.value))
    var buffers: [Buffer] = []
    for value in graph.values {
      let node = graph[value]
      if outer.contains(value) {
        buffers.append(.outer(node.type))
      } else if let reorder = node.operation as? Reorder {
        buffers.append(Buffer(type: node.type, layout: reorder.layout))
      } else if let index = node.operation as? WindowIndexOfMaximum {
        buffers.append(.inner(node.type, selecting: index.window, from: buffers[node.operands[0].index]))
      } else {
        buffers.append(.inner(node.type))
      }
    }
    return buffers
  }

  private func region(_ nodes: JoinedNodes) -> Region {
    Region(
      body: nodes.body, operands: nodes.operands.map { buffers[$0.index] },
      results: nodes.results.map { result in
        var buffer = buffers[result.index]
        buffer.bypassesCaches =
          buffer.layout == .blocked && buffer.cType == "float"
          && distances.exceedCaches(from: result, besides: nodes.members)
        return buffer
      })
  }

  private func product(_ nodes: JoinedNodes) -> TiledProduct? {
    TiledProduct(region(nodes), constants: nodes.operands.map { graph[$0].constant })
  }

  /// A tile's node with the elementwise nodes after it that its epilogue computes as well; nil where there are none.
  private func joinedOutputs(of tile: Value, besides joined: Set<Value>, registers: VectorRegisters) throws(TypeError)
    -> JoinedNodes?
  {
    guard buffers[tile.index].layout == .blocked else { return nil }
    let members = graph.elementwiseFollowers(of: tile) { !joined.contains($0) && buffers[$0.index].layout == .blocked }
    guard !members.isEmpty else { return nil }
    let nodes = try JoinedNodes([tile] + members, in: graph)
    guard let product = product(nodes),
      TiledProductKernel(product, region(nodes), registers: registers).hasVectorEpilogue
    else { return nil }
    return nodes
  }

  /// The kernel of an operation over windows, with the maxima at the positions that it finds or the elementwise nodes after
  /// it where those can be computed as well; nil where plain loops do.
  private func windows(_ alone: JoinedNodes, besides joined: Set<Value>) throws(TypeError) -> (KernelText, JoinedNodes)? {
    guard let kernel = WindowKernel(region(alone))?.kernel() else { return nil }
    let value = alone.members[0]
    func mayJoin(_ follower: Value) -> Bool { !joined.contains(follower) && buffers[follower.index].layout == .blocked }
    guard buffers[value.index].layout == .blocked else { return (kernel, alone) }
    let followers =
      graph[value].operation is WindowIndexOfMaximum
      ? graph.maximaTaken(at: value).map { [$0] }?.filter(mayJoin) ?? []
      : graph.elementwiseFollowers(of: value, where: mayJoin)
    guard !followers.isEmpty else { return (kernel, alone) }
    let nodes = try JoinedNodes([value] + followers, in: graph)
    guard let joinedKernel = WindowKernel(region(nodes))?.kernel() else { return (kernel, alone) }
    return (joinedKernel, nodes)
  }

  // MARK: Steps

  private mutating func add(
    _ product: TiledProduct, _ nodes: JoinedNodes, registers: VectorRegisters, _ pool: inout ConstantPool
  ) {
    let region = region(nodes)
    if let writer = WinogradKernel(product, region, registers: registers) {
      let weights = pool.add(product.weightsTensor, .winograd(writer.packing))
      add(
        writer.kernel(), region, nodes, "winograd tile 2x2", packed: [product.weightsOperand: weights],
        operations: writer.floatingPointOperations)
      return
    }
    var writer = TiledProductKernel(product, region, registers: registers)
    let weights = pool.add(product.weightsTensor, .tiles(product.packing(writer.tile)))
    add(
      writer.kernel(), region, nodes, "\(product.algorithm) \(writer.tile.positions)x\(writer.tile.blocks)",
      packed: [product.weightsOperand: weights])
  }

  private mutating func addLoops(_ nodes: JoinedNodes) {
    let region = region(nodes)
    if case .concatenate(let axis)? = region.loopForm(region.root) {
      for kernel in ConcatenateKernels.kernels(region, axis: axis) { add(kernel, region, nodes, "copy") }
    } else if let reorder = ReorderKernel(region) {
      add(reorder.kernel(), region, nodes, "transpose")
    } else {
      add(LoopKernel.kernel(region), region, nodes, "loops")
    }
  }

  private mutating func add(
    _ kernel: KernelText, _ region: Region, _ nodes: JoinedNodes, _ algorithm: String, packed: [Int: Int] = [:],
    operations: Int? = nil
  ) {
    let location = graph[nodes.members[0]].location
    steps.append(
      ScheduledStep(
        kernel: kernel, region: region, operands: nodes.operands, results: nodes.results, packed: packed,
        algorithm: algorithm, floatingPointOperations: operations ?? region.floatingPointOperations,
        location: location.node == nil ? region.location : location))
  }
}

extension Region {
  /// The location of the anchor, or of the last operation that has one.
  var location: Location {
    if let anchor, body[anchor].location.node != nil { return body[anchor].location }
    return body.nodes.last { $0.location.node != nil }?.location ?? .unknown
  }
}
