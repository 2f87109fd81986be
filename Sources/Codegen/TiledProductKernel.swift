import IR
import TensorTypes

/// Writes the C of a tiled product.
struct TiledProductKernel {
  private let product: TiledProduct
  private let region: Region
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

  private var tileGroups: Int { (product.resultBlocks + tile.blocks - 1) / tile.blocks }
  private var lastGroupBlocks: Int { product.resultBlocks - (tileGroups - 1) * tile.blocks }

  mutating func kernel() -> KernelText {
    if product.isDepthwise, product.positions == .columns { return depthwiseKernel() }
    // Pieces of the positions that tasks run over: rows of images, or tiles of planes and matrices.
    let tilesOfPlane = (product.columnPhases[0].count + tile.positions - 1) / tile.positions
    let pieces = product.positions == .columns ? product.resultRows : tilesOfPlane
    let groupTasks = weightsStay ? 1 : product.groups * tileGroups
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
    guard product.positions == .columns else {
      // Tiles of two widths cover the positions.
      let phase = product.columnPhases[0]
      let tiles = (phase.count + tile.positions - 1) / tile.positions
      var lines = [
        "const long start = piece * \(phase.count) / \(tiles), width = (piece + 1) * \(phase.count) / \(tiles) - start;"
      ]
      let widths = Set(TileRun.runs(phase, width: tile.positions, sourceExtent: product.source.columns).map(\.width))
        .sorted()
      for width in widths {
        let run = TileRun(start: 0, width: width, count: 1, valid: [0..<width])
        lines +=
          ["if (width == \(width)) {"]
          + tileCall(product.rowPhases[0], phase, run, blocks: blocks, row: "0", resultRow: "0") + ["}"]
      }
      return lines
    }
    var lines: [String] = []
    for rowPhase in product.rowPhases {
      if product.rowPhases.count > 1 { lines.append("if (piece % \(rowPhase.resultStride) == \(rowPhase.phase)) {") }
      for columnPhase in product.columnPhases {
        for run in TileRun.runs(columnPhase, width: tile.positions, sourceExtent: product.source.columns) {
          lines.append("for (long t = 0; t < \(run.count); t++) {")
          lines.append("const long start = \(run.start) + t * \(run.width);")
          lines += tileCall(
            rowPhase, columnPhase, run, blocks: blocks, row: "piece / \(rowPhase.resultStride) * \(rowPhase.sourceStride)",
            resultRow: "piece")
          lines.append("}")
        }
      }
      if product.rowPhases.count > 1 { lines.append("}") }
    }
    return lines
  }

  /// Sums a tile, then computes and stores what the region makes of it.
  private mutating func tileCall(
    _ rowPhase: AxisPhase, _ columnPhase: AxisPhase, _ run: TileRun, blocks: Int, row: String, resultRow: String
  ) -> [String] {
    guard let anchor = region.anchor else { return [] }
    let position = "(start + j) * \(columnPhase.resultStride) + \(columnPhase.phase)"
    var indices = ["const long i0 = \(position);"]
    if product.positions != .rows { indices = ["const long i2 = \(resultRow);", "const long i3 = \(position);"] }
    let identity = (0..<region.result.shape.rank).map(IndexExpression.variable)
    func call(_ ahead: LinesAhead) -> String {
      let function = tileFunction(rowPhase, columnPhase, run, blocks: blocks, ahead)
      if !functions.contains(function) { functions.append(function) }
      let number = functions.firstIndex(of: function) ?? 0
      let distance = columnPhase.sourceStride * product.source.columnStride
      return "FUNCTION_\(number)(x + start * \(distance)L, w, \(row), tile\(ahead.argument));"
    }
    let tiles = ["v16 tile[\(blocks * run.width)];"]
    let eachBlock = ["for (int o = 0; o < \(blocks); o++) {", "const long block = block0 + o;"]
    do {
      let (statements, images) = try vectorEpilogue(anchor, identity)
      let ahead = LinesAhead(
        images: images, blocks: blocks, width: run.width, stride: columnPhase.resultStride,
        turns: product.isDepthwise || product.source.blockChannels != Buffer.lanes
          ? 0 : rowPhase.taps.count * product.source.blockCount)
      return tiles + ahead.addresses(eachBlock, indices) + [call(ahead)] + eachBlock
        + ["for (int j = 0; j < \(run.width); j++) {", "const v16 sum = tile[o * \(run.width) + j];"] + indices
        + statements + ["}", "}"]
    } catch {
      return tiles + [call(.none)] + eachBlock + scalarEpilogue(anchor, identity, run.width, indices) + ["}"]
    }
  }

  /// Whether all 16 channels of a position can be computed and stored at once.
  var hasVectorEpilogue: Bool {
    guard let anchor = region.anchor else { return false }
    return (try? vectorEpilogue(anchor, (0..<region.result.shape.rank).map(IndexExpression.variable))) != nil
  }

  /// The region behind the anchor, computed and stored for all 16 channels of a position at once.
  /// - Returns: also the addresses of the images that it reads and writes there.
  private func vectorEpilogue(_ anchor: Value, _ identity: [IndexExpression]) throws -> (
    statements: [String], images: [String]
  ) {
    let nest = try LoopNest(over: region.result.shape, into: region.result, vectorising: true)
    guard let lane = nest.lane, lane.variable == 1 else { throw NeedsScalarLoops() }
    var emitter = ExpressionEmitter(region, names: nest.names, lane: lane)
    emitter.define(anchor, as: Emitted(text: "sum", element: .float32, isVector: true))
    var stores: [String] = []
    var written: [String] = []
    for (number, output) in region.body.outputs.enumerated() {
      let value = try emitter.emit(output.value, at: identity)
      let name = LoopKernel.resultName(number)
      let bypassesCaches = region.results[number].bypassesCaches
      stores += try nest.store(value, to: name, bypassingCaches: bypassesCaches, &emitter)
      if region.result.layout == .blocked, !bypassesCaches, value.element == .float32,
        let start = try emitter.contiguousOffset(region.result, identity, lane)
      {
        written.append("\(name) + \(start)")
      }
    }
    return (emitter.takeLines() + stores, emitter.imageLoads + written)
  }

  /// Channel by channel, along the positions of the tile.
  private func scalarEpilogue(_ anchor: Value, _ identity: [IndexExpression], _ width: Int, _ indices: [String]) -> [String]
  {
    var emitter = ExpressionEmitter(region, names: identity.indices.map { "i\($0)" })
    emitter.define(anchor, as: Emitted(text: "sum", element: .float32, isVector: false))
    do {
      let value = try emitter.emit(region.root, at: identity)
      let offset = try emitter.offsetText(region.result, identity)
      let channels = region.result.shape[1]
      var lines =
        [
          "for (long l = 0; l < 16 && block * 16 + l < \(channels); l++) {", "const long i1 = block * 16 + l;",
          "for (int j = 0; j < \(width); j++) {",
        ] + indices + ["const float sum = ((const float *)tile)[(o * \(width) + j) * 16 + l];"]
      lines += emitter.takeLines() + ["y[\(offset)] = \(value.text);", "}", "}"]
      if region.result.hasPaddedLanes {
        lines +=
          [
            "for (long l = 0; l < 16; l++) {", "const long i1 = block * 16 + l;", "if (i1 < \(channels)) continue;",
            "for (int j = 0; j < \(width); j++) {",
          ] + indices + ["y[\(offset)] = 0;", "}", "}"]
      }
      return lines
    } catch {
      preconditionFailure("scalar loops exist for every epilogue: \(error)\n\(region.body.text())")
    }
  }

  // MARK: The sums

  private func tileFunction(
    _ rowPhase: AxisPhase, _ columnPhase: AxisPhase, _ run: TileRun, blocks: Int, _ ahead: LinesAhead
  ) -> KernelFunction {
    let source = product.source
    let sums = (0..<blocks).map { o in (0..<run.width).map { "a\(o)_\($0)" } }
    let clear = "v16 " + sums.joined().map { "\($0) = {0}" }.joined(separator: ", ") + ";"
    let steps = rowPhase.taps.count * columnPhase.taps.count * source.blockChannels * source.blockCount
    // Blocks summed in registers before they join the tile in memory; all of them when the sum is short.
    let chunk =
      product.isDepthwise || steps <= 2 * Self.longestSum
      ? nil : max(1, Self.longestSum / max(1, columnPhase.taps.count * source.blockChannels))
    var lines = ahead.start
    if chunk == nil {
      lines.append(clear)
    } else {
      lines.append("for (int i = 0; i < \(blocks * run.width); i++) tile[i] = (v16){0};")
    }
    if !rowPhase.taps.isEmpty && !columnPhase.taps.isEmpty {
      lines.append("static const int filters[] = {\(rowPhase.taps.map { String($0.filter) }.joined(separator: ", "))};")
      lines.append("static const int offsets[] = {\(rowPhase.taps.map { String($0.offset) }.joined(separator: ", "))};")
      lines.append("for (int k = 0; k < \(rowPhase.taps.count); k++) {")
      lines.append("const long source = row + offsets[k];")
      lines.append("if ((unsigned long)source >= \(source.rows)UL) continue;")
      if product.isDepthwise {
        lines += depthwiseTaps(columnPhase, run, sums[0])
      } else if let chunk {
        lines += ["for (long b0 = 0; b0 < \(source.blockCount); b0 += \(chunk)) {", clear]
        lines.append("const long b1 = b0 + \(chunk) < \(source.blockCount) ? b0 + \(chunk) : \(source.blockCount);")
        lines += denseTaps(columnPhase, run, sums, blocks: blocks, ahead, from: "b0", to: "b1")
        lines += sums.joined().enumerated().map { "tile[\($0.offset)] += \($0.element);" } + ["}"]
      } else {
        lines += denseTaps(columnPhase, run, sums, blocks: blocks, ahead, from: "0", to: "\(source.blockCount)")
      }
      lines.append("}")
    }
    if chunk == nil { lines += sums.joined().enumerated().map { "tile[\($0.offset)] = \($0.element);" } }
    // A call costs little beside a long sum, whose tile passes through memory anyway.
    return KernelFunction(
      parameters: "const float *restrict x, const float *restrict w, const long row, v16 *restrict tile\(ahead.parameter)",
      body: lines.joined(separator: "\n"), isShared: chunk != nil)
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
