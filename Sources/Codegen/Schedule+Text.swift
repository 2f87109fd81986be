import IR
import Programs

extension Schedule {
  /// The steps, one a line, in columns. Values have the names that they have in the text of the fused graph.
  ///
  /// - Parameter program: made of this schedule and memory plan; it knows where constants lie.
  func text(_ memory: MemoryPlan, _ program: Program) -> String {
    func type(_ value: Value) -> String { "\(graph.reference(value)) \(buffers[value.index].type)" }
    func placement(_ value: Value) -> [String] {
      guard let placement = memory[value] else { return ["", "", "", ""] }
      let first = placement.life.lowerBound < 0 ? "start" : "\(placement.life.lowerBound)"
      let last = placement.life.upperBound == steps.count ? "end" : "\(placement.life.upperBound)"
      return [
        buffers[value.index].storage, "\(Address.arena(placement.offset))", "\(placement.byteCount)", "\(first)-\(last)",
      ]
    }
    var rows = [
      ["step", "algorithm", "computes", "tasks", "FLOP", "result", "layout", "address", "bytes", "life", "operands"]
    ]
    rows += graph.inputs.map { ["input", "", "", "", "", type($0)] + placement($0) + [""] }
    for (index, step) in steps.enumerated() {
      let operands = step.operands.enumerated().map { number, operand in
        let layout = step.packed[number] == nil ? buffers[operand.index].storage : "packed"
        return "\(type(operand)) \(layout) \(program.steps[index].operands[number])"
      }
      let results = step.results.map { [type($0)] + placement($0) }
      rows.append(
        [
          "\(index)", step.algorithm, step.region.summary, "\(step.kernel.taskCount)",
          "\(step.floatingPointOperations)",
        ] + (0..<5).map { column in results.map { $0[column] }.joined(separator: "; ") }
          + [operands.joined(separator: "; ") + step.location.comment])
    }
    rows += graph.outputs.map { ["output", "", "", "", "", type($0.value)] + placement($0.value) + [""] }
    var lines = ["schedule @\(graph.name) {", "  // \(peak(memory))"]
    lines += columns(rows, rightAligned: [0, 3, 4, 8]).map { "  \($0)" }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// The size of the arena, and what holds most of it when.
  private func peak(_ memory: MemoryPlan) -> String {
    let living = steps.indices.map(memory.livingByteCount(in:))
    guard let most = living.max(), let step = living.firstIndex(of: most) else { return "arena \(memory.byteCount) bytes" }
    let values = memory.living(in: step)
    let named = values.prefix(8).map { "\(graph.reference($0)) \(memory[$0]?.byteCount ?? 0)" }
    let more = values.count > named.count ? ["\(values.count - named.count) smaller ones"] : []
    return "arena \(memory.byteCount) bytes, at most \(most) of them in use, in step \(step): "
      + (named + more).joined(separator: ", ")
  }
}

/// Rows of equally many cells, each column as wide as its widest cell.
private func columns(_ rows: [[String]], rightAligned: Set<Int>) -> [String] {
  guard let count = rows.first?.count else { return [] }
  let widths = (0..<count).map { column in rows.map { $0[column].count }.max() ?? 0 }
  return rows.map { row in
    let cells = row.enumerated().map { column, cell -> String in
      let space = String(repeating: " ", count: column == count - 1 ? 0 : widths[column] - cell.count)
      return rightAligned.contains(column) ? space + cell : cell + space
    }
    let line = cells.joined(separator: "  ")
    return String(line.reversed().drop { $0 == " " }.reversed())
  }
}
