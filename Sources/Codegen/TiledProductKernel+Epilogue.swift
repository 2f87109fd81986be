import IR
import TensorTypes

// What the region makes of the sums of a tile.
extension TiledProductKernel {
  func eachBlock(_ blocks: Int) -> [String] {
    ["for (int o = 0; o < \(blocks); o++) {", "const long block = block0 + o;"]
  }

  /// Computes and stores what the region makes of the sums of a tile.
  /// - Parameters:
  ///   - width: of the tile, in C.
  ///   - unrolls: whether the loop over the positions is unrolled, which keeps sums in registers that were left there.
  /// - Returns: also the addresses of the images that it reads and writes there in whole vectors.
  func epilogue(
    _ anchor: Value, width: String, blocks: Int, unrolls: Bool, _ indices: [String]
  ) -> (lines: [String], images: [String]) {
    let identity = (0..<region.result.shape.rank).map(IndexExpression.variable)
    guard let (statements, images) = try? vectorEpilogue(anchor, identity) else {
      return (eachBlock(blocks) + scalarEpilogue(anchor, identity, width, indices) + ["}"], [])
    }
    let position = ["for (int j = 0; j < \(width); j++) {", "const v16 sum = tile[o * \(width) + j];"]
    let hint = unrolls ? "#pragma clang loop unroll(full)" : Self.keepsLoop
    return (eachBlock(blocks) + [hint] + position + indices + statements + ["}", "}"], images)
  }

  /// Goes ahead of a loop that gains nothing by being unrolled, which takes time to compile.
  static let keepsLoop = "#pragma clang loop unroll(disable)"

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
  private func scalarEpilogue(
    _ anchor: Value, _ identity: [IndexExpression], _ width: String, _ indices: [String]
  ) -> [String] {
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
}
