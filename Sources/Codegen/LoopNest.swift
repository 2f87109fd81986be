import IR
import TensorTypes

/// The loops over a result, or over the part of it that one operand of a concatenation fills.
struct LoopNest {
  private struct Loop {
    let name: String
    let extent: Int
  }

  /// Where the loops' index lies in the result.
  struct Shift {
    let axis: Int
    let amount: Int
    /// Whether nothing follows along the axis.
    let isLast: Bool
  }

  let extents: [Int]
  let result: Buffer
  let shift: Shift?
  let lane: (variable: Int, block: String)?
  /// C names of the index variables.
  let names: [String]
  private let loops: [Loop]

  /// - Throws: when 16 neighbours cannot be stored at once.
  init(over shape: Shape, into result: Buffer, shift: Shift? = nil, vectorising: Bool) throws {
    extents = shape.extents
    self.result = result
    self.shift = shift
    let variable = result.layout == .blocked ? 1 : extents.count - 1
    var names = extents.indices.map { "i\($0)" }
    var loops = extents.enumerated().map { Loop(name: "i\($0.offset)", extent: $0.element) }
    lane = vectorising ? (variable, "block") : nil
    if vectorising {
      guard [.float32, .boolean].contains(result.type.element), variable >= 0, extents[variable] >= Buffer.lanes / 2 else {
        throw NeedsScalarLoops()
      }
      if let shift, shift.axis == variable, result.layout == .blocked,
        shift.amount % Buffer.lanes != 0 || (!shift.isLast && extents[variable] % Buffer.lanes != 0)
      {
        throw NeedsScalarLoops()
      }
      loops[variable] = Loop(name: "block", extent: (extents[variable] + Buffer.lanes - 1) / Buffer.lanes)
      names[variable] = "lane"
    } else if result.layout == .blocked {
      // Blocks in memory order, the lanes innermost, up to the end of the last block if nothing follows.
      let padded = shift.map { $0.axis != 1 || $0.isLast } ?? true
      let start = shift.map { $0.axis == 1 ? $0.amount : 0 } ?? 0
      let count = padded ? result.channelBlocks * Buffer.lanes - start : extents[1]
      loops[1] = Loop(name: "block", extent: (count + Buffer.lanes - 1) / Buffer.lanes)
      loops.append(Loop(name: "l", extent: Buffer.lanes))
    }
    self.names = names
    self.loops = loops
  }

  private func target(_ emitter: ExpressionEmitter) -> [IndexExpression] {
    var index = emitter.identity(extents.count)
    if let shift { index[shift.axis] = index[shift.axis] + shift.amount }
    return index
  }

  /// The statements that store the value at the current index.
  /// - Parameters:
  ///   - y: the C pointer to the result.
  ///   - bypassingCaches: whether whole vectors of channels are written past the caches; `v_fence` has to follow them.
  func store(
    _ value: Emitted, to y: String = "y", bypassingCaches: Bool = false, _ emitter: inout ExpressionEmitter
  ) throws -> [String] {
    let index = target(emitter)
    guard let lane else { return ["\(y)[\(try emitter.offsetText(result, index))] = \(value.text);"] }
    let kind = value.element == .boolean ? "m" : "v"
    let vector = value.isVector ? value.text : "\(kind)_splat(\(value.text))"
    let extent = extents[lane.variable]
    let remainder = extent % Buffer.lanes
    guard let start = try emitter.contiguousOffset(result, index, lane) else { throw NeedsScalarLoops() }
    if remainder == 0 {
      let store = bypassingCaches && result.layout == .blocked ? "v_stream" : "\(kind)_store"
      return ["\(store)(\(y) + \(start), \(vector));"]
    }
    let isLast = "block == \(extent / Buffer.lanes)"
    if result.layout == .blocked {
      return ["\(kind)_store(\(y) + \(start), \(isLast) ? \(kind)_first(\(vector), \(remainder)) : \(vector));"]
    }
    return [
      "if (\(isLast)) \(kind)_store_first(\(y) + \(start), \(vector), \(remainder));",
      "else \(kind)_store(\(y) + \(start), \(vector));",
    ]
  }

  /// The whole kernel: outer loops become tasks until there are enough of them.
  func wrap(_ pointers: [String], _ statements: [String], _ emitter: inout ExpressionEmitter) throws -> KernelText {
    var split = 0
    var taskCount = 1
    let isLanewise = loops.last?.name == "l"
    while split < loops.count - (isLanewise ? 1 : 0) && taskCount < 64 {
      taskCount *= loops[split].extent
      split += 1
    }
    var lines = pointers + ["for (long task = first; task < end; task++) {", "long rest = task;"]
    for loop in loops[..<split].reversed() {
      lines.append("const long \(loop.name) = rest % \(loop.extent); rest /= \(loop.extent);")
    }
    for loop in loops[split...] {
      lines.append("for (long \(loop.name) = 0; \(loop.name) < \(loop.extent); \(loop.name)++) {")
    }
    if isLanewise {
      lines.append("const long i1 = block * 16 + l;")
      lines.append("if (i1 >= \(extents[1])) {")
      let isPadding = shift.map { $0.axis != 1 || $0.isLast } ?? true
      if isPadding {
        let limit = result.channelBlocks * Buffer.lanes - (shift.map { $0.axis == 1 ? $0.amount : 0 } ?? 0)
        lines.append("if (i1 < \(limit)) y[\(try emitter.offsetText(result, target(emitter)))] = 0;")
      }
      lines += ["continue;", "}"]
    }
    lines += statements + [String](repeating: "}", count: loops.count - split + 1)
    return KernelText(body: lines.joined(separator: "\n"), taskCount: max(taskCount, 1))
  }
}
