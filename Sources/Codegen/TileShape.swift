/// The register tile of a kernel: `positions` results of `blocks` vectors of 16 each are summed in registers.
struct TileShape: Hashable {
  let positions: Int
  let blocks: Int

  /// The cheapest tile under a simple model: a step over the reduction costs the larger of its multiplications (two a
  /// cycle), its loads (two a cycle) and the latency of a sum (four cycles).
  /// - Parameter blocks: vectors of results at one position.
  static func cheapest(positions: Int, blocks: Int, _ registers: VectorRegisters) -> TileShape {
    let parts = Double(registers.parts)
    var best = TileShape(positions: 1, blocks: 1)
    var bestCost = Double.infinity
    for b in 1...min(6, blocks) {
      for p in 1...max(1, min(registers.count, positions)) {
        // Accumulators, weights, and one broadcast unless it is folded into its only multiplication.
        let broadcasts = b == 1 && registers.foldBroadcasts ? 0 : 1
        guard registers.hold(p * b + b, besides: broadcasts) || (p == 1 && b == 1) else { continue }
        let tiles = (positions + p - 1) / p
        let fullGroups = blocks / b
        let rest = blocks % b
        func step(_ p: Double, _ b: Double) -> Double { max(parts * p * b / 2, (p + parts * b) / 2, 4) + 0.5 }
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

  /// Positions enough to hide the latency of their sums, beside one vector of weights and one that is being multiplied.
  static func depthwise(positions: Int, _ registers: VectorRegisters) -> TileShape {
    TileShape(positions: max(1, min(positions, 15, registers.count / registers.parts - 2)), blocks: 1)
  }
}
