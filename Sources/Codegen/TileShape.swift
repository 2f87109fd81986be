/// The register tile of a kernel: `positions` results of `blocks` vectors of 16 each are summed in registers.
struct TileShape: Hashable {
  let positions: Int
  let blocks: Int

  /// The cheapest tile under a simple model: a step over the reduction costs the larger of its multiplications (two a
  /// cycle), its loads (two a cycle) and the latency of a sum (four cycles).
  /// - Parameters:
  ///   - vectorRegisters: registers of 16 floats.
  ///   - blocks: vectors of results at one position.
  static func cheapest(positions: Int, blocks: Int, vectorRegisters: Int) -> TileShape {
    var best = TileShape(positions: 1, blocks: 1)
    var bestCost = Double.infinity
    for b in 1...min(6, blocks) {
      for p in 1...max(1, min(vectorRegisters, positions)) {
        // Accumulators, weights, and one broadcast unless it is folded into the multiplication.
        guard p * b + b + (b > 1 ? 1 : 0) <= vectorRegisters || (p == 1 && b == 1) else { continue }
        let tiles = (positions + p - 1) / p
        let fullGroups = blocks / b
        let rest = blocks % b
        func step(_ p: Double, _ b: Double) -> Double { max(p * b / 2, (p + b) / 2, 4) + 0.5 }
        let width = Double(positions) / Double(tiles)
        let cost = Double(tiles) * (Double(fullGroups) * step(width, Double(b)) + (rest > 0 ? step(width, Double(rest)) : 0))
        if cost < bestCost * 0.999 {
          bestCost = cost
          best = TileShape(positions: p, blocks: b)
        }
      }
    }
    return best
  }
}
