/// The positions of a phase as tiles, as equal as possible: of up to two widths, the narrow ones first.
struct TileDivision {
  let tileCount: Int
  private let narrowWidth: Int
  private let narrowCount: Int

  /// - Parameter width: positions of a tile at most.
  init(positions: Int, width: Int) {
    tileCount = (positions + width - 1) / width
    narrowWidth = positions / max(1, tileCount)
    narrowCount = tileCount - positions % max(1, tileCount)
  }

  func start(of tile: Int) -> Int { tile * narrowWidth + max(0, tile - narrowCount) }

  /// C that defines where tile `t` begins and how wide it is.
  var bounds: String {
    guard narrowCount < tileCount else { return "const long start = t * \(narrowWidth), width = \(narrowWidth);" }
    return "const long start = t * \(narrowWidth) + (t > \(narrowCount) ? t - \(narrowCount) : 0), "
      + "width = \(narrowWidth) + (t >= \(narrowCount));"
  }

  func runs(_ phase: AxisPhase, sourceExtent: Int) -> [TileRun] {
    var runs: [TileRun] = []
    for tile in 0..<tileCount {
      let start = start(of: tile)
      let width = self.start(of: tile + 1) - start
      let valid = phase.taps.map { phase.valid($0, start: start, width: width, sourceExtent: sourceExtent) }
      if let last = runs.last, last.width == width, last.valid == valid {
        runs[runs.count - 1] = TileRun(tiles: last.tiles.lowerBound..<tile + 1, width: width, valid: valid)
      } else {
        runs.append(TileRun(tiles: tile..<tile + 1, width: width, valid: valid))
      }
    }
    return runs
  }
}

/// Tiles that follow each other and that one piece of code serves: equal width, equal valid ranges.
struct TileRun: Hashable {
  let tiles: Range<Int>
  let width: Int
  /// For each tap of the phase, the positions of the tile that read inside the source.
  let valid: [Range<Int>]
}
