import IR

/// Where the stored values of a schedule lie in the arena, and from which step to which they live.
struct MemoryPlan {
  struct Placement {
    /// Bytes from the start of the arena.
    let offset: Int
    let byteCount: Int
    /// First and last step that uses the value: -1 for what is there before the first, the number of steps for what stays
    /// behind the last.
    let life: ClosedRange<Int>
  }

  /// By value; nil for what is not stored in the arena.
  private let placements: [Placement?]
  let byteCount: Int

  init(_ schedule: Schedule) {
    let graph = schedule.graph
    let end = schedule.steps.count
    var first = [Int?](repeating: nil, count: graph.nodes.count)
    var last = [Int](repeating: 0, count: graph.nodes.count)
    for input in graph.inputs { first[input.index] = -1 }
    for (index, step) in schedule.steps.enumerated() {
      for result in step.results where first[result.index] == nil { first[result.index] = index }
      for value in step.operands + step.results { last[value.index] = index }
    }
    // Inputs keep their memory too, so that a program can run again on what it was given.
    for value in graph.inputs + graph.outputs.map(\.value) { last[value.index] = end }
    var stored: [Value] = []
    var requests: [ArenaPlan.Request] = []
    for value in graph.values {
      guard let start = first[value.index] else { continue }
      stored.append(value)
      requests.append(
        ArenaPlan.Request(
          byteCount: schedule.buffers[value.index].reservedByteCount, life: start...max(last[value.index], start)))
    }
    let plan = ArenaPlan(requests)
    var placements = [Placement?](repeating: nil, count: graph.nodes.count)
    for (number, value) in stored.enumerated() {
      placements[value.index] = Placement(
        offset: plan.offsets[number], byteCount: requests[number].byteCount, life: requests[number].life)
    }
    self.placements = placements
    byteCount = plan.byteCount
  }

  subscript(value: Value) -> Placement? { placements[value.index] }

  /// The values that are alive in a step, the largest first.
  func living(in step: Int) -> [Value] {
    placements.indices.filter { placements[$0]?.life.contains(step) == true }.map(Value.init).sorted {
      (byteCount(of: $1), $0) < (byteCount(of: $0), $1)
    }
  }

  /// Bytes of the values that are alive in a step.
  func livingByteCount(in step: Int) -> Int { living(in: step).reduce(0) { $0 + byteCount(of: $1) } }

  private func byteCount(of value: Value) -> Int { self[value]?.byteCount ?? 0 }
}
