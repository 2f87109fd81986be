import IR
import TensorTypes

/// Writes the C of a 3 × 3 convolution with stride 1 in the form of Winograd, F(2 × 2, 3 × 3): of every 2 × 2 results
///
///     Y = Aᵀ [ Σ over source channels (Bᵀ d B) ⊙ (G g Gᵀ) ] A
///
/// with 16 multiplications a pair of channels instead of 36 (Lavin and Gray, Fast Algorithms for Convolutional Neural
/// Networks, 2016). A task transforms the squares d of a band of rows, multiplies them with the filters that were
/// transformed at compile time, as 16 pointwise products, and transforms back, all within its core's caches and on its stack,
/// of which it takes up to 700 KB.
///
/// The differences and sums round, so that errors may be larger than those of the direct form. Four results depend on the same
/// 4 × 4 pixels, so that what is not finite in one of them shows in all four, and rounding may show where the direct form gives
/// an exact zero.
struct WinogradKernel {
  private let product: TiledProduct
  private let region: Region
  private let registers: VectorRegisters
  private let anchor: Value
  /// The filter's index at each of the offsets -1, 0, 1.
  private let filterRows: [Int]
  private let filterColumns: [Int]

  /// Pixels of the 4 × 4 that a square of results is computed from.
  private static let places = 16

  /// Nil where the direct form is used: other filters, strides and pads, few channels, images that fill squares badly, rows
  /// whose transforms the second-level cache does not hold, and weights that would come from memory rather than caches.
  init?(_ product: TiledProduct, _ region: Region, registers: VectorRegisters) {
    guard let anchor = region.anchor, product.positions == .columns, !product.isDepthwise, product.groups == 1,
      product.rowPhases.count == 1, product.columnPhases.count == 1,
      let rows = Self.filters(product.rowPhases[0]), let columns = Self.filters(product.columnPhases[0]),
      product.source.blockChannels == Buffer.lanes, product.source.lastBlockChannels == Buffer.lanes,
      product.source.columnStride == Buffer.lanes, product.source.rows == product.resultRows,
      product.source.columns == product.columnPhases[0].count,
      product.weights.ownResultChannels == product.weights.resultChannels
    else { return nil }
    self.product = product
    self.region = region
    self.registers = registers
    self.anchor = anchor
    filterRows = rows
    filterColumns = columns
    let channels = product.weights.sourceChannels
    let weightBytes = Self.places * channels * product.resultBlocks * Buffer.lanes * 4
    guard channels >= 32, product.resultBlocks >= 2, min(product.resultRows, product.source.columns) >= 7,
      weightBytes <= 20 << 20, bandRows * bytesOfRow <= 640 << 10,
      TiledProductKernel(product, region, registers: registers).hasVectorEpilogue
    else { return nil }
  }

  /// The filter's indices in the order of the offsets -1, 0, 1.
  private static func filters(_ phase: AxisPhase) -> [Int]? {
    guard phase.resultStride == 1, phase.sourceStride == 1, phase.taps.count == 3 else { return nil }
    let ordered = phase.taps.sorted { $0.offset < $1.offset }
    return ordered.map(\.offset) == [-1, 0, 1] ? ordered.map(\.filter) : nil
  }

  var packing: WinogradPacking {
    WinogradPacking(
      weights: product.weights, resultBlocks: product.resultBlocks, filterRows: filterRows, filterColumns: filterColumns)
  }

  private var squareRows: Int { (product.resultRows + 1) / 2 }
  private var squareColumns: Int { (product.source.columns + 1) / 2 }
  private var blocks: Int { product.source.blockCount }
  private var bytesOfRow: Int { Self.places * blocks * Buffer.lanes * 4 * squareColumns }

  /// Rows of squares of a band: 28 squares are enough for a weight to be used often, if their transforms leave room in the
  /// second-level cache; 14 squares at least.
  private var bandRows: Int {
    let held = min(28 / squareColumns, (384 << 10) / bytesOfRow)
    return min(squareRows, max(held, (13 + squareColumns) / squareColumns))
  }

  private var bands: Int { (squareRows + bandRows - 1) / bandRows }

  /// Tasks share the result channels, four blocks each at least, where images and bands are few.
  private var groups: Int { max(1, min(product.resultBlocks / 4, 48 / (bands * product.images))) }

  /// Those of the region with the transformed products, and additions for their transforms, in place of the direct sums.
  var floatingPointOperations: Int {
    let channels = product.weights.sourceChannels
    let results = product.weights.resultChannels
    let direct = 2 * 9 * channels * results * product.resultRows * product.source.columns
    let square = 2 * Self.places * channels * results + 24 * (channels * groups + results)
    return region.floatingPointOperations + product.images * (squareRows * squareColumns * square - direct)
  }

  func kernel() -> KernelText {
    var functions: [KernelFunction] = []
    var lines = LoopKernel.pointers(region)
    lines += [
      "for (long task = first; task < end; task++) {",
      "const long band = task % \(bands), i0 = task / \(bands) % \(product.images);",
      "const long group = task / \(bands * product.images);",
      "const long r0 = band * \(squareRows) / \(bands), r1 = (band + 1) * \(squareRows) / \(bands);",
      "const float *restrict x = p\(product.source.operand) + i0 * \(product.source.imageStride)L;",
    ]
    lines += bandBody(&functions) + ["}"] + region.fence
    return KernelText(
      functions: functions, body: lines.joined(separator: "\n"), taskCount: bands * groups * product.images)
  }

  private func bandBody(_ functions: inout [KernelFunction]) -> [String] {
    // Room for the largest bands, which have one row of squares more than the others. An odd number of lines, so that the
    // same square of all places lies in different sets of the caches.
    let squares = (squareRows + bands - 1) / bands * squareColumns
    let place = blocks * squares | 1
    let lines =
      ["v16 source[\(Self.places * place)] __attribute__((aligned(64)));"] + sourceTransform(squares, place)
      + [
        "const long blockEnd = (group + 1) * \(product.resultBlocks) / \(groups);",
        "for (long block0 = group * \(product.resultBlocks) / \(groups); block0 < blockEnd; block0++) {",
        "v16 sums[\(Self.places * squares)] __attribute__((aligned(64)));",
        "for (long k = 0; k < \(Self.places); k++) {",
        "const float *restrict w = p\(product.weightsOperand) + (block0 * \(Self.places) + k) * \(blocks * 256)L;",
      ]
    return lines + products(squares, place, &functions) + ["}"] + resultTransform(squares) + ["}"]
  }

  /// The products at place `k`, for bands of each height.
  private func products(_ squares: Int, _ place: Int, _ functions: inout [KernelFunction]) -> [String] {
    let writer = TiledProductKernel(pointwise(squares: squares), region, registers: registers)
    var lines: [String] = []
    for rows in Set([squareRows / bands, (squareRows + bands - 1) / bands]).sorted() {
      let phase = pointwisePhase(rows * squareColumns)
      let tile = TileShape.cheapest(positions: phase.count, blocks: 1, registers)
      let division = TileDivision(positions: phase.count, width: tile.positions)
      lines.append("if (r1 - r0 == \(rows)) {")
      for run in division.runs(phase, sourceExtent: phase.count) {
        let function = writer.tileFunction(pointwisePhase(1), phase, run, blocks: 1, .none)
        let number = functions.firstIndex(of: function) ?? functions.count
        if number == functions.count { functions.append(function) }
        lines += [
          "for (long s = \(division.start(of: run.tiles.lowerBound)); s < \(division.start(of: run.tiles.upperBound)); "
            + "s += \(run.width))",
          "FUNCTION_\(number)((const float *)(source + k * \(place) + s), w, 0, sums + k * \(squares) + s);",
        ]
      }
      lines.append("}")
    }
    return lines
  }

  /// Bᵀ d B of all squares of the band, [place][block][square], for rows first.
  private func sourceTransform(_ squares: Int, _ place: Int) -> [String] {
    let source = product.source
    func row(_ name: String, _ offset: Int) -> String {
      let isInside = "(unsigned long)(2 * r + \(offset)) < \(source.rows)UL"
      return
        "const v16 \(name) = \(isInside) ? v_load(xb + (2 * r + \(offset)) * \(source.rowStride)L + c * 16) : (v16){0};"
    }
    return [
      "for (long b = 0; b < \(blocks); b++) {", "const float *restrict xb = x + b * \(source.blockStride)L;",
      "for (long r = r0; r < r1; r++) {",
      "v16 t[4][\(2 * squareColumns + 2)] __attribute__((aligned(64)));",
      "for (int i = 0; i < 4; i++) t[i][0] = t[i][\(2 * squareColumns)] = t[i][\(2 * squareColumns + 1)] = (v16){0};",
      TiledProductKernel.keepsLoop, "for (long c = 0; c < \(source.columns); c++) {",
      row("d0", -1), row("d1", 0), row("d2", 1), row("d3", 2),
      "t[0][c + 1] = d0 - d2; t[1][c + 1] = d1 + d2; t[2][c + 1] = d2 - d1; t[3][c + 1] = d1 - d3;", "}",
      TiledProductKernel.keepsLoop, "for (int i = 0; i < 4; i++)", TiledProductKernel.keepsLoop,
      "for (long s = 0; s < \(squareColumns); s++) {",
      "const v16 d0 = t[i][2 * s], d1 = t[i][2 * s + 1], d2 = t[i][2 * s + 2], d3 = t[i][2 * s + 3];",
      "v16 *const v = source + i * \(4 * place) + b * \(squares) + (r - r0) * \(squareColumns) + s;",
      "v[0] = d0 - d2; v[\(place)] = d1 + d2; v[\(2 * place)] = d2 - d1; v[\(3 * place)] = d1 - d3;", "}",
      "}", "}",
    ]
  }

  /// Aᵀ M A, a row of results after the other, and what the region makes of them.
  private func resultTransform(_ squares: Int) -> [String] {
    let width = product.source.columns
    let writer = TiledProductKernel(product, region, registers: registers)
    let end = writer.epilogue(
      anchor, width: "\(width)", blocks: 1, unrolls: false, ["const long i2 = row;", "const long i3 = j;"]
    ).lines
    func column(_ j: Int) -> String {
      func sum(_ i: Int) -> String { "m[\((i * 4 + j) * squares)]" }
      return "const v16 s\(j) = isOdd ? \(sum(1)) - \(sum(2)) - \(sum(3)) : \(sum(0)) + \(sum(1)) + \(sum(2));"
    }
    return [
      "for (long row = 2 * r0; row < 2 * r1 && row < \(product.resultRows); row++) {", "const int isOdd = row & 1;",
      "v16 tile[\(2 * squareColumns)] __attribute__((aligned(64)));", TiledProductKernel.keepsLoop,
      "for (long s = 0; s < \(squareColumns); s++) {", "const v16 *const m = sums + (row / 2 - r0) * \(squareColumns) + s;",
    ] + (0..<4).map(column) + ["tile[2 * s] = s0 + s1 + s2; tile[2 * s + 1] = s1 - s2 - s3;", "}"] + end + ["}"]
  }

  private func pointwisePhase(_ count: Int) -> AxisPhase {
    AxisPhase(phase: 0, resultStride: 1, sourceStride: 1, count: count, taps: [Tap(filter: 0, offset: 0)])
  }

  /// The product at one place, over the squares of a band in place of pixels.
  private func pointwise(squares: Int) -> TiledProduct {
    TiledProduct(
      source: TiledProduct.Source(
        operand: product.source.operand, rows: 1, columns: squares, imageStride: 0, rowStride: 0,
        columnStride: Buffer.lanes, blockStride: squares * Buffer.lanes, channelStride: 1, blockChannels: Buffer.lanes,
        blockCount: blocks, lastBlockChannels: Buffer.lanes),
      weightsOperand: product.weightsOperand, isDepthwise: false, positions: .plane, images: 1, groups: 1, resultBlocks: 1,
      rowPhases: [pointwisePhase(1)], columnPhases: [pointwisePhase(squares)], resultRows: 1, filterRows: 1,
      filterColumns: 1, weightsTensor: product.weightsTensor, weights: product.weights)
  }
}
