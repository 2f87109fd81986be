import IR
import Operators
import TensorTypes

/// The loops of an operation over sliding windows of images: vectors of 16 channels, or one by one where channels are planes.
///
/// Both the operations that gather a window and their adjoints, in which a position gathers the windows that cover it, are
/// written as `AxisPhase`s, so that no position asks for windows that never reach it. Positions whose windows meet the border
/// in the same way share one piece of code without conditions. Terms are added in the row-major order of what they are read
/// from, whatever the split over threads.
struct WindowKernel {
  private enum Step {
    /// sum += x
    case sum
    /// sum += x where the window selected this position; the positions are the operand of this number.
    case selectedSum(positions: Int)
    /// best = x and at = its number in the window where x > best
    case maximum
  }

  private let region: Region
  private let anchor: Value
  private let source: Buffer
  private let sourceNumber: Int
  private let step: Step
  private let kernelColumns: Int
  private let rowPhases: [AxisPhase]
  private let columnPhases: [AxisPhase]

  /// The schedule of a region whose anchor is an operation over windows; nil where plain loops do.
  init?(_ region: Region) {
    guard let anchor = region.anchor else { return nil }
    let node = region.body[anchor]
    guard node.type.shape.rank == 4, let operand = node.operands.first, region.body[operand].type.element == .float32 else {
      return nil
    }
    let window: Window
    let role: Convolution.Role
    switch node.operation {
    case let operation as WindowSum: (window, role, step) = (operation.window, .output, .sum)
    case let operation as WindowSpread: (window, role, step) = (operation.window, .input, .sum)
    case let operation as WindowIndexOfMaximum: (window, role, step) = (operation.window, .output, .maximum)
    case let operation as Untake:
      let positions = region.number(ofInput: node.operands[1])
      guard let selection = region.operands[positions].selection,
        selection.covers(operation.inner.extents, batchRank: operation.batchRank)
      else { return nil }
      (window, role, step) = (selection.window, .input, .selectedSum(positions: positions))
    default: return nil
    }
    self.region = region
    self.anchor = anchor
    sourceNumber = region.number(ofInput: operand)
    source = region.operands[sourceNumber]
    kernelColumns = window.kernel[1]
    func phases(_ axis: Int) -> [AxisPhase] {
      AxisPhase.phases(
        solving: role, stride: window.strides[axis], pad: window.pads[axis], dilation: window.dilations[axis],
        kernel: window.kernel[axis], resultExtent: node.type.shape[axis + 2])
    }
    (rowPhases, columnPhases) = (phases(0), phases(1))
    guard source.layout == region.result.layout else { return nil }
    if case .sum = step {
      guard rowPhases[0].taps.count * columnPhases[0].taps.count <= LoopKernel.longestSum else { return nil }
    } else if source.layout == .plain {
      return nil
    }
  }

  private var isVector: Bool { source.layout == .blocked }
  private var lanes: Int { isVector ? Buffer.lanes : 1 }

  /// - Returns: nil when what follows the anchor has no vector form.
  func kernel() -> KernelText? {
    guard let finish = try? storing() else { return nil }
    let shape = region.result.shape
    let blocks = isVector ? region.result.channelBlocks : shape[1]
    let block = isVector ? "block" : "i1"
    let plane = source.shape[2] * source.shape[3] * lanes
    var lines = LoopKernel.pointers(region)
    lines += [
      "for (long task = first; task < end; task++) {",
      "const long i2 = task % \(shape[2]), \(block) = task / \(shape[2]) % \(blocks), i0 = task / \(shape[2] * blocks);",
      "const float *restrict x = p\(sourceNumber) + (i0 * \(blocks) + \(block)) * \(plane)L;",
    ]
    if case .selectedSum(let positions) = step {
      lines.append("const unsigned char *restrict at = p\(positions) + (i0 * \(blocks) + \(block)) * \(plane)L;")
    }
    for rows in rowPhases {
      lines.append("if (i2 % \(rows.resultStride) == \(rows.phase)) {")
      lines.append("const long row = i2 / \(rows.resultStride) * \(rows.sourceStride);")
      lines += acrossRow(TapLine(rows.taps), reach: rows, finish) + ["}"]
    }
    lines += ["}"] + region.fence
    return KernelText(body: lines.joined(separator: "\n"), taskCount: shape[0] * blocks * shape[2])
  }

  /// The region behind the anchor, computed and stored at one position.
  private func storing() throws -> [String] {
    let index = (0..<4).map(IndexExpression.variable)
    let names = ["i0", isVector ? "lane" : "i1", "i2", "i3"]
    var emitter = ExpressionEmitter(region, names: names, lane: isVector ? (1, "block") : nil)
    if case .maximum = step {
      for value in region.body.values where takesMaximum(value) {
        emitter.define(value, as: Emitted(text: "best", element: .float32, isVector: isVector))
      }
    } else {
      emitter.define(anchor, as: Emitted(text: "sum", element: .float32, isVector: isVector))
    }
    var stores: [String] = []
    for (number, output) in region.body.outputs.enumerated() {
      let (buffer, y) = (region.results[number], LoopKernel.resultName(number))
      if case .maximum = step, output.value == anchor {
        guard let lane = emitter.lane, let start = try emitter.contiguousOffset(buffer, index, lane) else {
          throw NeedsScalarLoops()
        }
        stores.append("b_store(\(y) + \(start), best_at);")
      } else {
        let nest = try LoopNest(over: buffer.shape, into: buffer, vectorising: isVector)
        stores += try nest.store(
          try emitter.emit(output.value, at: index), to: y, bypassingCaches: buffer.bypassesCaches, &emitter)
      }
    }
    return emitter.takeLines() + stores
  }

  /// Whether the value is the maximum at the position that the anchor finds.
  private func takesMaximum(_ value: Value) -> Bool {
    let node = region.body[value]
    return node.operation?.takesFromPlanes == true && node.operands == [region.body[anchor].operands[0], anchor]
  }

  /// The positions of one row, apart for rows whose taps all lie inside.
  private func acrossRow(_ rows: TapLine, reach: AxisPhase, _ finish: [String]) -> [String] {
    let lastOffset = rows.offset + max(0, rows.count - 1) * rows.offsetStep
    let lastRow = (reach.count - 1) * reach.sourceStride
    if rows.count == 0 || rows.offset >= 0 && lastRow + lastOffset < source.shape[2] {
      return acrossColumns(rows, isInside: nil, finish)
    }
    return ["if (row + \(rows.offset) >= 0 && row + \(lastOffset) < \(source.shape[2])) {"]
      + acrossColumns(rows, isInside: nil, finish) + ["} else {"]
      + acrossColumns(
        rows, isInside: "(unsigned long)(row + \(rows.offsetText("k"))) < \(source.shape[2])UL", finish) + ["}"]
  }

  /// Groups of positions, one of each phase, so that they are stored one behind the other.
  private func acrossColumns(_ rows: TapLine, isInside: String?, _ finish: [String]) -> [String] {
    var runs: [(start: Int, end: Int, taps: [[Tap]])] = []
    for t in 0..<(columnPhases.map(\.count).max() ?? 0) {
      let taps = columnPhases.filter { t < $0.count }.map { phase in
        phase.taps.filter { !phase.valid($0, start: t, width: 1, sourceExtent: source.shape[3]).isEmpty }
      }
      if let last = runs.last, last.taps == taps { runs[runs.count - 1].end = t + 1 } else { runs.append((t, t + 1, taps)) }
    }
    var lines: [String] = []
    for run in runs {
      lines.append("for (long t = \(run.start); t < \(run.end); t++) {")
      for (phase, taps) in zip(columnPhases, run.taps) {
        lines += ["{", "const long i3 = t * \(phase.resultStride) + \(phase.phase);"]
        lines += gathering(rows, TapLine(taps), columnStride: phase.sourceStride, isInside: isInside) + finish + ["}"]
      }
      lines.append("}")
    }
    return lines
  }

  // MARK: Gathering

  /// Taps at equal distances in the order of the positions that they read: tap j is element `filter` + j · `filterStep` of
  /// the window, `offset` + j · `offsetStep` from the scaled result position.
  private struct TapLine {
    let count: Int
    let filter: Int
    let filterStep: Int
    let offset: Int
    let offsetStep: Int

    init(_ taps: [Tap]) {
      let taps = taps.sorted { $0.offset < $1.offset }
      count = taps.count
      (filter, offset) = taps.first.map { ($0.filter, $0.offset) } ?? (0, 0)
      (filterStep, offsetStep) = count > 1 ? (taps[1].filter - filter, taps[1].offset - offset) : (0, 0)
    }

    func filterText(_ tap: String) -> String { "(\(filter) + \(tap) * \(filterStep))" }
    func offsetText(_ tap: String) -> String { "(\(offset) + \(tap) * \(offsetStep))" }
  }

  /// Leaves `sum`, or `best` and its number `best_at`.
  /// - Parameter isInside: the condition on row tap k, unless it always holds.
  private func gathering(_ rows: TapLine, _ columns: TapLine, columnStride: Int, isInside: String?) -> [String] {
    let row = "(row + \(rows.offsetText("k"))) * \(source.shape[3])"
    let address = "(\(row) + t * \(columnStride) + \(columns.offsetText("l"))) * \(lanes)"
    let number = "(int)(\(rows.filterText("k")) * \(kernelColumns) + \(columns.filterText("l")))"
    let eachColumn = "for (long l = 0; l < \(columns.count); l++) {"
    switch step {
    case .sum, .selectedSum:
      var term = isVector ? "v_load(x + \(address))" : "x[\(address)]"
      if case .selectedSum = step { term = "v_select(b_load(at + \(address)) == \(number), \(term), (v16){0})" }
      return [
        isVector ? "v16 sum = {0};" : "float sum = 0;",
        "for (long k = 0; k < \(rows.count); k++) {", isInside.map { "if (!(\($0))) continue;" } ?? "", eachColumn,
        "sum += \(term);", "}", "}",
      ]
    case .maximum:
      return [
        "long k = 0, l = 0;", isInside.map { "while (!(\($0))) k++;" } ?? "",
        "v16 best = v_load(x + \(address)); m16 best_at = (m16){0} + \(number);",
        "for (; k < \(rows.count)\(isInside.map { " && \($0)" } ?? ""); k++) {", eachColumn,
        "const v16 candidate = v_load(x + \(address)); const m16 larger = candidate > best;",
        "best = v_select(larger, candidate, best); best_at = m_choose(larger, (m16){0} + \(number), best_at);", "}", "}",
      ]
    }
  }
}
