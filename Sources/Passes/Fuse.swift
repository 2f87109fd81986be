import IR
import Operators
import TensorTypes

/// Gathers operations into regions that one kernel computes, as `fused` operations.
///
/// A region has one result. Inside of it stand
/// - index maps (broadcast, permute, slice, pad, reshape), cloned into every user, since they cost nothing there;
/// - elementwise operations whose users all stand there too;
/// - a tensor plus or minus a scalar, cloned into users that all read the tensor itself as well: one rounding is cheaper than a
///   buffer;
/// - at most one anchor (a reduction, convolution, product, selection of indices) whose elementwise successors are its
///   epilogue. Reductions that read each element once take elementwise producers too.
/// Predicates of an image that are read after the image itself is read for the last time stand right behind it: a byte an
/// element is kept in its place. What several tensors are read for last stands right behind the newest of them, where that is
/// a convolution's: one is kept in their place.
/// Runs after the last differentiation.
public enum Fuse: Pass {
  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    let plan = FusionPlan(graph)
    let builder = GraphBuilder(isClosed: graph.isClosed)
    var renamed = [Value?](repeating: nil, count: graph.nodes.count)
    func append(_ value: Value) throws(TypeError) {
      guard renamed[value.index] == nil else { return }
      let node = graph[value]
      // What stands ahead of its place may read constants and shifted tensors that follow there.
      if node.operation != nil { for operand in plan.operands(of: value) { try append(operand) } }
      builder.location = node.location
      renamed[value.index] =
        switch node.content {
        case .input(let name): builder.input(name, node.type)
        case .constant(let constant): builder.constant(constant.tensor, name: constant.name)
        case .operation: try plan.append(value, to: builder) { renamed[$0.index] }
        }
    }
    for value in graph.values where plan.isMaterialised[value.index] {
      try append(value)
      for standIn in plan.standIns[value, default: []] { try append(standIn) }
    }
    return builder.finish(
      name: graph.name, outputs: graph.outputs.map { ($0.name, renamed[$0.value.index] ?? $0.value) })
  }
}

/// How an operation may take part in a region.
private enum FusionRole {
  /// Only renames indices.
  case indexMap
  /// One result element from the operand elements of the same index.
  case elementwise
  /// One result element from one element at a computed index, given by an integer operand.
  case selection
  /// Loops of its own that read each operand element once.
  case readOnceAnchor
  /// Loops of its own that read operand elements many times.
  case anchor

  init(_ operation: any Operator) {
    switch operation {
    case is Broadcast, is Reshape, is Permute, is Pad, is Slice: self = .indexMap
    case is Elementwise, is Convert: self = .elementwise
    case is Gather, is Take: self = .selection
    case is Sum, is IndexOfMaximum, is Concatenate: self = .readOnceAnchor
    default: self = .anchor
    }
  }
}

private struct FusionPlan {
  let graph: Graph
  /// Whether the value is stored in a buffer (or is a graph input).
  private(set) var isMaterialised: [Bool]
  /// For the result of a region, its anchor, if that is another node.
  private var anchors: [Value: Value] = [:]
  /// What stands right behind a value, ahead of its readers, in place of tensors that are read no more.
  private(set) var standIns: [Value: [Value]] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    isMaterialised = [Bool](repeating: false, count: graph.nodes.count)
    var users = [[Value]](repeating: [], count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      for operand in node.operands { users[operand.index].append(Value(index)) }
    }
    let outputs = Set(graph.outputs.map(\.value))
    let roles: [FusionRole?] = graph.nodes.map { $0.operation.map(FusionRole.init) }
    // The region whose result has the same index as the node, for nodes that elementwise steps alone lead from there.
    var epilogueOf = [Value?](repeating: nil, count: graph.nodes.count)

    /// Whether `user` can compute this operand inside its own loops.
    func accepts(_ user: Value, _ operand: Value) -> Bool {
      switch roles[user.index] {
      case .indexMap, .elementwise, .readOnceAnchor: true
      // The integer operand stands in an index, which only reads buffers.
      case .selection: graph[user].operands[0] == operand && graph[user].operands[1] != operand
      case .anchor, nil: false
      }
    }
    func enlarges(_ user: Value) -> Bool {
      graph[user].operation is Broadcast
        && graph[user].type.shape.elementCount > graph[graph[user].operands[0]].type.shape.elementCount
    }

    /// The result of the region whose elementwise operations, at its own index, are all users of a value.
    func commonRegion(_ users: [Value]) -> Value? {
      guard let first = users.first, let result = epilogueOf[first.index],
        users.allSatisfy({ roles[$0.index] == .elementwise && epilogueOf[$0.index] == result })
      else { return nil }
      return result
    }

    /// Whether a value is another plus or minus a scalar, which every region that uses it reads beside it.
    func isShiftOfReadOperand(_ value: Value) -> Bool {
      guard let tensor = graph.shifted(value) else { return false }
      // Readers ahead of the value have no region yet.
      func region(_ reader: Value) -> Value? {
        guard roles[reader.index] == .elementwise else { return nil }
        return reader > value ? epilogueOf[reader.index] : commonRegion(users[reader.index])
      }
      let own = Set(users[value.index].map(region))
      return own.count > 1 && !own.contains(nil)
        && own.isSubset(of: users[tensor.index].filter { $0 != value }.map(region))
    }

    var positions: [Value: Value] = [:]
    var ages = TensorAges()
    ages.extend(by: graph.nodes)
    for value in graph.values where !outputs.contains(value) {
      let position =
        graph.imageOutlived(by: value, users) ?? graph.newestOfTensorsOutlived(by: value, users, ages, standIns: positions)
      guard let position, !outputs.contains(position) else { continue }
      standIns[position, default: []].append(value)
      positions[value] = position
    }
    let kept = Set(positions.keys)

    for index in graph.nodes.indices.reversed() {
      let value = Value(index)
      guard let role = roles[index] else {
        isMaterialised[index] = true
        continue
      }
      let acceptable = !outputs.contains(value) && !kept.contains(value) && users[index].allSatisfy { accepts($0, value) }
      let only = users[index].count == 1 ? users[index][0] : nil
      switch role {
      case .indexMap:
        isMaterialised[index] = !acceptable || graph.spreadsConvolution(value)
      case .elementwise, .selection:
        if acceptable, let result = commonRegion(users[index]) {
          epilogueOf[index] = result
        } else if acceptable, let only, !enlarges(only), !isShared(only, roles, users) {
          epilogueOf[index] = nil
        } else if acceptable, isShiftOfReadOperand(value) {
          epilogueOf[index] = nil
        } else {
          isMaterialised[index] = true
          epilogueOf[index] = role == .elementwise ? value : nil
        }
      case .readOnceAnchor, .anchor:
        // An anchor joins the region that its users' elementwise successors end in.
        if acceptable, let result = commonRegion(users[index]), anchors[result] == nil,
          graph[value].type == graph[result].type, graph[value].operation?.takesEpilogue == true,
          !graph.hasFewChannels(value)
        {
          anchors[result] = value
        } else {
          isMaterialised[index] = true
        }
      }
    }
  }

  /// Whether an index map is cloned into several users, so that what it reads would be computed several times.
  private func isShared(_ user: Value, _ roles: [FusionRole?], _ users: [[Value]]) -> Bool {
    var user = user
    while roles[user.index] == .indexMap, !isMaterialised[user.index] {
      guard users[user.index].count == 1 else { return true }
      user = users[user.index][0]
    }
    return false
  }

  func isScalarConstant(_ value: Value) -> Bool {
    graph[value].constant != nil && graph[value].type.shape.elementCount == 1 && graph[value].type.shape.rank == 0
  }

  /// Appends the operation, or fused ones, that compute a materialised value.
  func append(_ value: Value, to builder: GraphBuilder, _ renamed: (Value) -> Value?) throws(TypeError) -> Value? {
    let node = graph[value]
    guard let operation = node.operation else { return nil }
    builder.location = node.location
    let region = region(of: value)
    if region.count == 1 && node.operands.allSatisfy({ !isScalarConstant($0) }) {
      return try builder.append(operation, node.operands.compactMap(renamed))
    }
    let (body, leaves) = try body(region, result: value)
    return try builder.append(Fused(body: body), leaves.compactMap(renamed))
  }

  /// The materialised values that the region of a value reads.
  func operands(of value: Value) -> [Value] {
    let members = Set(region(of: value))
    return members.sorted().flatMap { graph[$0].operands }.filter { !members.contains($0) }
  }

  /// The nodes of a region in topological order, scalar constants included.
  func region(of result: Value) -> [Value] {
    var members: Set<Value> = [result]
    var pending = [result]
    while let value = pending.popLast() {
      for operand in graph[value].operands where !isMaterialised[operand.index] || isScalarConstant(operand) {
        if members.insert(operand).inserted { pending.append(operand) }
      }
    }
    return members.sorted()
  }

  /// The region as a graph, with the materialised values that it reads.
  func body(_ region: [Value], result: Value) throws(TypeError) -> (Graph, leaves: [Value]) {
    let members = Set(region)
    var leaves: [Value] = []
    let builder = GraphBuilder()
    var renamed: [Value: Value] = [:]
    for member in region {
      for operand in graph[member].operands where !members.contains(operand) && renamed[operand] == nil {
        leaves.append(operand)
        renamed[operand] = builder.input("x\(leaves.count - 1)", graph[operand].type)
      }
    }
    for member in region {
      let node = graph[member]
      switch node.content {
      case .input: continue
      case .constant(let constant): renamed[member] = builder.constant(constant.tensor, name: constant.name)
      case .operation(let operation):
        builder.location = node.location
        renamed[member] = try builder.append(operation, node.operands.compactMap { renamed[$0] })
      }
    }
    return (builder.finish(name: "region", outputs: [("y", renamed[result] ?? result)]), leaves)
  }
}

extension Operator {
  /// Whether something may follow in the same loops: not where they add into the result, or fill it part by part.
  fileprivate var takesEpilogue: Bool { !(self is Scatter || self is Untake || self is Concatenate) }
}

extension Graph {
  /// The operation's result that a predicate of it and of constants is all that is left of where the predicate is read.
  fileprivate func imageOutlived(by predicate: Value, _ users: [[Value]]) -> Value? {
    func isPredicate(_ value: Value) -> Bool { self[value].type.element == .boolean && self[value].operation is Elementwise }
    let readers = users[predicate.index]
    guard isPredicate(predicate), !readers.isEmpty, !readers.contains(where: isPredicate) else { return nil }
    var images: Set<Value> = []
    var constants: [Value] = []
    var pending = self[predicate].operands
    while let value = pending.popLast() {
      if isPredicate(value) || self[value].operation is Broadcast {
        pending += self[value].operands
      } else if self[value].constant != nil {
        constants.append(value)
      } else {
        images.insert(value)
      }
    }
    guard images.count == 1, let image = images.first, self[image].operation != nil,
      self[image].type.shape == self[predicate].type.shape, constants.allSatisfy({ $0 < image })
    else { return nil }
    let lastReader = users[image.index].filter { !isPredicate($0) }.max()
    guard let lastReader, readers.allSatisfy({ $0 > lastReader }) else { return nil }
    return image
  }

  /// The newest of several tensors of one type, a convolution's result that something else reads too, that elementwise
  /// operations lead from to a value, and that nothing reads any more where the value is read together with newer ones.
  /// - Parameter standIns: what stands behind another value than the one that it follows in the graph.
  fileprivate func newestOfTensorsOutlived(
    by value: Value, _ users: [[Value]], _ ages: TensorAges, standIns: [Value: Value]
  ) -> Value? {
    guard self[value].operation is Elementwise, self[value].type.element.isFloatingPoint,
      let reader = users[value.index].min()
    else { return nil }
    func position(_ value: Value) -> Value { standIns[value] ?? value }
    var members: Set<Value> = [value]
    var tensors: [Value] = []
    var pending = Set(self[value].operands)
    // From the last to the first, so that all users of a value have been looked at ahead of it.
    while let operand = pending.max() {
      pending.remove(operand)
      let isOwn = shifted(operand) != nil || users[operand.index].allSatisfy(members.contains)
      if self[operand].operation is Elementwise, standIns[operand] == nil, isOwn {
        members.insert(operand)
        pending.formUnion(self[operand].operands)
      } else if BroadcastConstant(operand, in: nodes) == nil {
        tensors.append(operand)
      }
    }
    guard let newest = tensors.max(by: { position($0) < position($1) }), position(newest) == newest,
      isConvolved(newest, users), tensors.allSatisfy({ self[$0].type == self[value].type }),
      users[value.index].allSatisfy({ ages[$0] > ages[newest] }), !users[newest.index].allSatisfy(members.contains)
    else { return nil }
    let outlived = tensors.filter { tensor in users[tensor.index].allSatisfy { members.contains($0) || $0 < reader } }
    return outlived.count > 1 ? newest : nil
  }

  /// Whether a value is a convolution's result, or that with something added.
  private func isConvolved(_ value: Value, _ users: [[Value]]) -> Bool {
    if self[value].operation is Convolution { return true }
    return (self[value].operation as? Elementwise)?.function == .add
      && self[value].operands.contains { self[$0].operation is Convolution && users[$0.index].count == 1 }
  }

  /// The tensor that a value is, but for a scalar that is added or subtracted.
  fileprivate func shifted(_ value: Value) -> Value? {
    func isScalar(_ value: Value) -> Bool { BroadcastConstant(value, in: nodes)?.tensor.shape.elementCount == 1 }
    guard let operation = self[value].operation as? Elementwise, [.add, .subtract].contains(operation.function),
      self[value].operands.contains(where: isScalar)
    else { return nil }
    return self[value].operands.first { !isScalar($0) }
  }

  /// Whether the value puts zeros between the results of a convolution: another one to whose results it is added runs over
  /// whole planes only if it is stored.
  fileprivate func spreadsConvolution(_ value: Value) -> Bool {
    guard let pad = self[value].operation as? Pad, pad.interior.contains(where: { $0 > 0 }) else { return false }
    return self[self[value].operands[0]].operation is Convolution
  }

  /// Whether the value is the gradient of an image: a convolution sums its few channels apart from each other, so that what
  /// follows is faster in loops of its own, along the rows.
  fileprivate func hasFewChannels(_ value: Value) -> Bool {
    let shape = self[value].type.shape
    return self[value].operation is Convolution && shape.rank == 4 && shape[1] < 8
  }
}
