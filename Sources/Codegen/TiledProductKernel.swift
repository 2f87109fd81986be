import IR
import TensorTypes

/// Writes the C of a tiled product.
struct TiledProductKernel {
  let product: TiledProduct
  let region: Region
  private let registers: VectorRegisters
  let tile: TileShape
  /// Weights small enough to stay in the second-level cache are read again for each piece of the source; larger ones are
  /// read once, and the source again.
  private let weightsStay: Bool
  private var functions: [KernelFunction] = []

  /// Terms that are summed one after the other. A sum of n terms of random sign rounds by about √(n/2) half units, so long
  /// ones are made of parts; the parts depend on the shapes alone.
  static let longestSum = 192

  init(_ product: TiledProduct, _ region: Region, registers: VectorRegisters) {
    self.product = product
    self.region = region
    self.registers = registers
    let longest = product.columnPhases.map(\.count).max() ?? 1
    if product.isDepthwise {
      tile = .depthwise(positions: longest, registers)
    } else {
      tile = TileShape.cheapest(positions: longest, blocks: product.resultBlocks, registers)
    }
    let weightBytes = product.weightsTensor.shape.elementCount * 4
    weightsStay = weightBytes <= 600 << 10 && product.positions != .rows
  }

  /// Whether all images pass through one group of weights before the next: when that moves fewer bytes between the caches.
  private var groupsFirst: Bool {
    let cache = 768 << 10
    let weights = product.weightsTensor.shape.elementCount * 4
    let image = product.source.imageStride * 4
    let groupCount = product.groups * tileGroups
    let images = product.images * image
    let groupsFirst = weights + images * (images <= cache ? 1 : groupCount)
    let imagesFirst = product.images * weights + images * (image <= cache ? 1 : groupCount)
    return groupsFirst <= imagesFirst
  }

  /// Whether the tiles of a band of positions take turns at each part of their sums: the weights of all parts are more than
  /// the first-level cache holds, those of one are not.
  private var sumsByParts: Bool {
    let channels = product.source.blockCount * Buffer.lanes
    return product.positions == .plane && !product.isDepthwise && product.source.blockChannels == Buffer.lanes
      && channels > 2 * Self.longestSum && channels * tile.blocks * Buffer.lanes * 4 >= 64 << 10
  }

  /// Bands of a plane, of one tile each unless sums are made by parts; then of as many as the first-level cache holds beside
  /// the weights, but 64 tasks in all.
  private var bands: Int {
    guard sumsByParts else { return tilesOfPlane }
    let held = (8 << 10) / (tile.positions * tile.blocks * Buffer.lanes * 4)
    let most = max(1, min(held, tilesOfPlane * product.images * groupTasks / 64))
    return (tilesOfPlane + most - 1) / most
  }

  private var tilesOfPlane: Int { division(product.columnPhases[0]).tileCount }
  private var groupTasks: Int { weightsStay ? 1 : product.groups * tileGroups }
  private var tileGroups: Int { (product.resultBlocks + tile.blocks - 1) / tile.blocks }
  private var lastGroupBlocks: Int { product.resultBlocks - (tileGroups - 1) * tile.blocks }

  mutating func kernel() -> KernelText {
    if product.isDepthwise, product.positions == .columns { return depthwiseKernel() }
    // Pieces of the positions that tasks run over: rows of images, or bands of planes and matrices.
    let pieces = product.positions == .columns ? product.resultRows : bands
    var lines = LoopKernel.pointers(region)
    lines += ["for (long task = first; task < end; task++) {", "const long piece = task % \(pieces);"]
    let (inner, outer) = groupsFirst ? ("image", "group") : ("group", "image")
    let innerCount = groupsFirst ? product.images : groupTasks
    lines.append("const long \(inner) = task / \(pieces) % \(innerCount), \(outer) = task / \(pieces * innerCount);")
    if product.positions != .rows { lines.append("const long i0 = image;") }
    if groupTasks > 1 {
      lines += groupBody()
    } else {
      lines += ["for (long group = 0; group < \(product.groups * tileGroups); group++) {"] + groupBody() + ["}"]
    }
    lines += ["}"] + region.fence
    return KernelText(
      functions: functions, body: lines.joined(separator: "\n"),
      taskCount: pieces * product.images * groupTasks)
  }

  /// Tasks of a depthwise convolution: the groups of one band of rows, then those of the next.
  ///
  /// What surrounds it divides a single image by rows too, so that a thread mostly reads what it wrote itself: between
  /// processors without a common cache the other threads' rows cost as much as the whole convolution. More bands would read
  /// the rows at their borders too often.
  private mutating func depthwiseKernel() -> KernelText {
    let rows = product.resultRows
    let bands = product.images > 1 ? 1 : [4, 2].first { $0 * 4 <= rows } ?? 1
    let lines =
      LoopKernel.pointers(region) + [
        "for (long task = first; task < end; task++) {",
        "const long group = task % \(tileGroups), band = task / \(tileGroups) % \(bands);",
        "const long image = task / \(tileGroups * bands), i0 = image;",
        "for (long piece = band * \(rows) / \(bands); piece < (band + 1) * \(rows) / \(bands); piece++) {",
      ] + groupBody() + ["}", "}"] + region.fence
    return KernelText(
      functions: functions, body: lines.joined(separator: "\n"), taskCount: tileGroups * bands * product.images)
  }

  /// One group of result blocks at one piece of the positions.
  private mutating func groupBody() -> [String] {
    let source = product.source
    var lines = [
      "const long part = group / \(tileGroups), within = group % \(tileGroups);",
      "const long block0 = part * \(product.resultBlocks) + within * \(tile.blocks);",
    ]
    if product.isDepthwise {
      lines.append(
        "const float *restrict x = p\(source.operand) + image * \(source.imageStride)L + block0 * \(source.blockStride)L;")
      let perBlock = product.filterRows * product.filterColumns * 16
      lines.append("const float *restrict w = p\(product.weightsOperand) + block0 * \(perBlock)L;")
    } else {
      let perBlock = product.filterRows * source.blockCount * product.filterColumns * source.blockChannels * 16
      let perPart = source.blockCount * source.blockStride
      lines.append(
        "const float *restrict x = p\(source.operand) + image * \(source.imageStride)L + part * \(perPart)L;")
      lines.append("const float *restrict w = p\(product.weightsOperand) + block0 * \(perBlock)L;")
    }
    if lastGroupBlocks == tile.blocks { return lines + pieceBody(blocks: tile.blocks) }
    return lines + ["if (within < \(tileGroups - 1)) {"] + pieceBody(blocks: tile.blocks) + ["} else {"]
      + pieceBody(blocks: lastGroupBlocks) + ["}"]
  }

  private mutating func pieceBody(blocks: Int) -> [String] {
    if sumsByParts { return bandBody(blocks: blocks) }
    guard product.positions == .columns else {
      let (rowPhase, columnPhase) = (product.rowPhases[0], product.columnPhases[0])
      var lines = ["const long t = piece;"]
      for runs in runsByEnd(rowPhase, columnPhase) {
        lines.append("if (t >= \(runs.tiles.lowerBound) && t < \(runs.tiles.upperBound)) {")
        lines += tileCall(rowPhase, columnPhase, runs.runs, blocks: blocks, row: "0", resultRow: "0") + ["}"]
      }
      return lines
    }
    var lines: [String] = []
    for rowPhase in product.rowPhases {
      if product.rowPhases.count > 1 { lines.append("if (piece % \(rowPhase.resultStride) == \(rowPhase.phase)) {") }
      for columnPhase in product.columnPhases {
        for runs in runsByEnd(rowPhase, columnPhase) {
          lines.append("for (long t = \(runs.tiles.lowerBound); t < \(runs.tiles.upperBound); t++) {")
          lines += tileCall(
            rowPhase, columnPhase, runs.runs, blocks: blocks,
            row: "piece / \(rowPhase.resultStride) * \(rowPhase.sourceStride)", resultRow: "piece")
          lines.append("}")
        }
      }
      if product.rowPhases.count > 1 { lines.append("}") }
    }
    return lines
  }

  private func division(_ phase: AxisPhase) -> TileDivision {
    TileDivision(positions: phase.count, width: tile.positions)
  }

  /// The runs of a phase that one piece of code ends: all of them where their sums are called and come back in memory, one
  /// where sums stay in registers.
  private func runsByEnd(_ rowPhase: AxisPhase, _ columnPhase: AxisPhase) -> [(tiles: Range<Int>, runs: [TileRun])] {
    let division = division(columnPhase)
    let runs = division.runs(columnPhase, sourceExtent: product.source.columns)
    guard callsSums(rowPhase, columnPhase) else { return runs.map { ($0.tiles, [$0]) } }
    return [(0..<division.tileCount, runs)]
  }

  /// Sums the tiles of a band of a plane part by part, then computes and stores what the region makes of them.
  private mutating func bandBody(blocks: Int) -> [String] {
    guard let anchor = region.anchor else { return [] }
    let (rowPhase, columnPhase) = (product.rowPhases[0], product.columnPhases[0])
    let division = division(columnPhase)
    let first = "piece * \(division.tileCount) / \(bands)"
    let eachTile = [
      "for (long t = \(first); t < (piece + 1) * \(division.tileCount) / \(bands); t++) {", division.bounds,
      "v16 *const tile = sums + (t - \(first)) * \(blocks * tile.positions);",
    ]
    let largest = (division.tileCount + bands - 1) / bands
    var lines = [
      "v16 sums[\(largest * blocks * tile.positions)];",
      "for (long b0 = 0; b0 < \(product.source.blockCount); b0 += \(Self.longestSum / product.source.blockChannels)) {",
    ]
    let runs = division.runs(columnPhase, sourceExtent: product.source.columns)
    lines += eachTile
    let functions = runs.map { tileFunction(rowPhase, columnPhase, $0, blocks: blocks, .none, isPart: true) }
    lines += calls(runs, of: functions, "x + start * \(product.source.columnStride)L, w, 0, tile, b0")
    lines += ["}", "}"] + eachTile
    let indices = ["const long i2 = 0;", "const long i3 = start + j;"]
    lines += epilogue(anchor, width: widthText(runs), blocks: blocks, unrolls: false, indices).lines
    return lines + ["}"]
  }

  /// C that calls the function of the run that tile `t` belongs to.
  private mutating func calls(_ runs: [TileRun], of functions: [KernelFunction], _ arguments: String) -> [String] {
    zip(runs, functions).enumerated().map { position, call in
      let choice = position == runs.count - 1 ? "" : "if (t < \(call.0.tiles.upperBound)) "
      return (position == 0 ? "" : "else ") + choice + "FUNCTION_\(number(of: call.1))(\(arguments));"
    }
  }

  private func widthText(_ runs: [TileRun]) -> String { Set(runs.map(\.width)).count == 1 ? "\(runs[0].width)" : "width" }

  private mutating func number(of function: KernelFunction) -> Int {
    if let number = functions.firstIndex(of: function) { return number }
    functions.append(function)
    return functions.count - 1
  }

  /// Sums tile `t`, one of these runs, then computes and stores what the region makes of it.
  private mutating func tileCall(
    _ rowPhase: AxisPhase, _ columnPhase: AxisPhase, _ runs: [TileRun], blocks: Int, row: String, resultRow: String
  ) -> [String] {
    guard let anchor = region.anchor else { return [] }
    let position = "(start + j) * \(columnPhase.resultStride) + \(columnPhase.phase)"
    var indices = ["const long i0 = \(position);"]
    if product.positions != .rows { indices = ["const long i2 = \(resultRow);", "const long i3 = \(position);"] }
    let widest = runs.map(\.width).max() ?? 0
    let (end, images) = epilogue(
      anchor, width: widthText(runs), blocks: blocks, unrolls: !callsSums(rowPhase, columnPhase), indices)
    let ahead = LinesAhead(
      images: images, blocks: blocks, width: widest, stride: columnPhase.resultStride,
      turns: product.isDepthwise || product.source.blockChannels != Buffer.lanes
        ? 0 : rowPhase.taps.count * product.source.blockCount)
    let distance = columnPhase.sourceStride * product.source.columnStride
    let functions = runs.map { tileFunction(rowPhase, columnPhase, $0, blocks: blocks, ahead) }
    let sums = calls(runs, of: functions, "x + start * \(distance)L, w, \(row), tile\(ahead.argument)")
    return [division(columnPhase).bounds, "v16 tile[\(blocks * widest)];"]
      + ahead.addresses(eachBlock(blocks), indices) + sums + end
  }

  // MARK: The sums

  private func steps(_ rowPhase: AxisPhase, _ columnPhase: AxisPhase) -> Int {
    rowPhase.taps.count * columnPhase.taps.count * product.source.blockChannels * product.source.blockCount
  }

  /// Whether sums are functions that kernels share: beside a long sum a call that leaves its tile in memory costs little, and
  /// less has to be compiled.
  private func callsSums(_ rowPhase: AxisPhase, _ columnPhase: AxisPhase) -> Bool {
    !product.isDepthwise && steps(rowPhase, columnPhase) >= 128
  }

  /// - Parameter isPart: whether a call adds the part of the sums that begins at a block of the source to the tile.
  func tileFunction(
    _ rowPhase: AxisPhase, _ columnPhase: AxisPhase, _ run: TileRun, blocks: Int, _ ahead: LinesAhead, isPart: Bool = false
  ) -> KernelFunction {
    let source = product.source
    let sums = (0..<blocks).map { o in (0..<run.width).map { "a\(o)_\($0)" } }
    let clear = "v16 " + sums.joined().map { "\($0) = {0}" }.joined(separator: ", ") + ";"
    let steps = steps(rowPhase, columnPhase)
    // Blocks summed in registers before they join the tile in memory; all of them when the sum is short.
    let chunk =
      product.isDepthwise || steps <= 2 * Self.longestSum
      ? nil : max(1, Self.longestSum / max(1, columnPhase.taps.count * source.blockChannels))
    var lines = ahead.start
    if chunk == nil {
      lines.append(clear)
    } else {
      let isFirst = isPart ? "if (b0 == 0) " : ""
      lines.append(isFirst + "for (int i = 0; i < \(blocks * run.width); i++) tile[i] = (v16){0};")
    }
    if !rowPhase.taps.isEmpty && !columnPhase.taps.isEmpty {
      lines.append("static const int filters[] = {\(rowPhase.taps.map { String($0.filter) }.joined(separator: ", "))};")
      lines.append("static const int offsets[] = {\(rowPhase.taps.map { String($0.offset) }.joined(separator: ", "))};")
      if !product.isDepthwise && rowPhase.taps.count > 1 { lines.append(Self.keepsLoop) }
      lines.append("for (int k = 0; k < \(rowPhase.taps.count); k++) {")
      lines.append("const long source = row + offsets[k];")
      lines.append("if ((unsigned long)source >= \(source.rows)UL) continue;")
      if product.isDepthwise {
        lines += depthwiseTaps(columnPhase, run, sums[0])
      } else if let chunk {
        lines += [isPart ? "{" : "for (long b0 = 0; b0 < \(source.blockCount); b0 += \(chunk)) {", clear]
        lines.append("const long b1 = b0 + \(chunk) < \(source.blockCount) ? b0 + \(chunk) : \(source.blockCount);")
        lines += denseTaps(columnPhase, run, sums, blocks: blocks, ahead, from: "b0", to: "b1")
        lines += sums.joined().enumerated().map { "tile[\($0.offset)] += \($0.element);" } + ["}"]
      } else {
        lines += denseTaps(columnPhase, run, sums, blocks: blocks, ahead, from: "0", to: "\(source.blockCount)")
      }
      lines.append("}")
    }
    if chunk == nil { lines += sums.joined().enumerated().map { "tile[\($0.offset)] = \($0.element);" } }
    let part = isPart ? ", const long b0" : ""
    return KernelFunction(
      parameters:
        "const float *restrict x, const float *restrict w, const long row, v16 *restrict tile\(ahead.parameter)\(part)",
      body: lines.joined(separator: "\n"), isShared: callsSums(rowPhase, columnPhase))
  }

  private func depthwiseTaps(_ phase: AxisPhase, _ run: TileRun, _ sums: [String]) -> [String] {
    var lines = [
      "const float *restrict xr = x + source * \(product.source.rowStride)L;",
      "const float *restrict wr = w + filters[k] * \(product.filterColumns * 16);",
    ]
    for (tap, valid) in zip(phase.taps, run.valid) where !valid.isEmpty {
      lines.append("{ const v16 f = v_load(wr + \(tap.filter * 16));")
      for j in valid {
        lines.append(
          "\(sums[j]) += v_load(xr + \((j * phase.sourceStride + tap.offset) * product.source.columnStride)) * f;")
      }
      lines.append("}")
    }
    return lines
  }

  private func denseTaps(
    _ phase: AxisPhase, _ run: TileRun, _ sums: [[String]], blocks: Int, _ ahead: LinesAhead, from first: String,
    to end: String
  ) -> [String] {
    let source = product.source
    let step = blocks * 16
    let perBlock = product.filterColumns * source.blockChannels * step
    var lines = [
      "for (long b = \(first); b < \(end); b++) {",
      "const float *restrict xb = x + source * \(source.rowStride)L + b * \(source.blockStride)L;",
      "const float *restrict wb = w + (filters[k] * \(source.blockCount)L + b) * \(perBlock)L;",
      source.lastBlockChannels == source.blockChannels
        ? "const long channels = \(source.blockChannels);"
        : "const long channels = b == \(source.blockCount - 1) ? \(source.lastBlockChannels) : \(source.blockChannels);",
    ]
    lines += ahead.turn
    var requests = ahead.requests
    if product.positions == .plane && product.source.blockChannels == Buffer.lanes {
      // The same channels of the tile that follows.
      requests += stride(from: run.width, to: 2 * run.width, by: Buffer.lanes).map {
        "__builtin_prefetch(xb + (\($0) + c) * \(Buffer.lanes));"
      }
    }
    for (tap, valid) in zip(phase.taps, run.valid) where !valid.isEmpty {
      // A second copy of the loop's weights must not push sums out of registers.
      let unroll = registers.hold(valid.count * blocks + 2 * blocks, besides: 3) ? 2 : 1
      lines.append("#pragma clang loop unroll_count(\(unroll))")
      lines.append("for (long c = 0; c < channels; c++) {")
      lines += requests
      requests = []
      for o in 0..<blocks {
        lines.append("const v16 w\(o) = v_load(wb + \(tap.filter * source.blockChannels * step + o * 16) + c * \(step));")
      }
      for j in valid {
        let offset = (j * phase.sourceStride + tap.offset) * source.columnStride
        let channel = source.channelStride == 1 ? "c" : "c * \(source.channelStride)L"
        let terms = (0..<blocks).map { "\(sums[$0][j]) += s * w\($0);" }.joined(separator: " ")
        lines.append("{ const v16 s = v_splat(xb[\(offset) + \(channel)]); \(terms) }")
      }
      lines.append("}")
    }
    return lines + ["}"]
  }
}
