import TensorTypes

/// Where the weights of result channels and source channels, counted within their group, lie in their tensor; those of one
/// pair lie one behind the other in the order of filter rows and columns.
struct WeightPositions: Hashable {
  let resultChannels: Int
  let sourceChannels: Int
  /// Channels of one of the groups that are computed as one; between different ones there are no weights.
  let ownResultChannels: Int
  let ownSourceChannels: Int
  let groupStride: Int
  let resultStride: Int
  let sourceStride: Int
  /// After so many channels the position starts again, in another of the groups that are computed as one.
  var resultPeriod = Int.max
  var sourcePeriod = Int.max
}

/// The order in which a kernel reads its weights.
enum WeightOrder: Hashable {
  case tiles(WeightPacking)
  case winograd(WinogradPacking)

  var elementCount: Int {
    switch self {
    case .tiles(let packing): packing.elementCount
    case .winograd(let packing): packing.elementCount
    }
  }

  /// Writes the weights among zeros.
  func pack(_ values: UnsafeBufferPointer<Float>, into packed: UnsafeMutableBufferPointer<Float>) {
    switch self {
    case .tiles(let packing): packing.pack(values, into: packed)
    case .winograd(let packing): packing.pack(values, into: packed)
    }
  }
}

/// The order in which a tile reads its weights.
struct WeightPacking: Hashable {
  let weights: WeightPositions
  let tile: TileShape
  let groups: Int
  let resultBlocks: Int
  let isDepthwise: Bool
  let filterRows: Int
  let filterColumns: Int
  /// Blocks of source channels, and channels of each.
  let blockCount: Int
  let blockChannels: Int

  private var area: Int { filterRows * filterColumns }
  private var perBlock: Int { blockCount * area * blockChannels * Buffer.lanes }

  var elementCount: Int { isDepthwise ? resultBlocks * area * Buffer.lanes : groups * resultBlocks * perBlock }

  /// [group][tile group][filter row][block][filter column][channel][16 · blocks of the tile], or for depthwise
  /// [block][filter row][filter column][16].
  func pack(_ values: UnsafeBufferPointer<Float>, into packed: UnsafeMutableBufferPointer<Float>) {
    let lanes = Buffer.lanes
    if isDepthwise {
      for channel in 0..<weights.resultChannels {
        for tap in 0..<area {
          packed[(channel / lanes * area + tap) * lanes + channel % lanes] = values[channel * weights.groupStride + tap]
        }
      }
      return
    }
    let perBlock = perBlock
    // Block by block of source channels, which keeps what is read and what is written in the first-level cache.
    for group in 0..<groups {
      for tileStart in stride(from: 0, to: resultBlocks * lanes, by: tile.blocks * lanes) {
        let width: Int = min(tile.blocks * lanes, resultBlocks * lanes - tileStart)
        let start: Int = group * resultBlocks * perBlock + tileStart / lanes * perBlock
        let results: Range<Int> = tileStart..<min(tileStart + width, weights.resultChannels)
        for block in 0..<blockCount {
          let channels: Range<Int> = block * blockChannels..<min((block + 1) * blockChannels, weights.sourceChannels)
          for result in results {
            let own: Int = result / weights.ownResultChannels * weights.ownSourceChannels
            let row: Int = group * weights.groupStride + result % weights.resultPeriod * weights.resultStride
            for channel in channels.clamped(to: own..<own + weights.ownSourceChannels) {
              let origin: Int = row + channel % weights.sourcePeriod * weights.sourceStride
              let within: Int = channel - channels.lowerBound
              for filterRow in 0..<filterRows {
                let first: Int = (filterRow * blockCount + block) * filterColumns * blockChannels + within
                for filterColumn in 0..<filterColumns {
                  let step: Int = first + filterColumn * blockChannels
                  packed[start + step * width + result - tileStart] =
                    values[origin + filterRow * filterColumns + filterColumn]
                }
              }
            }
          }
        }
      }
    }
  }
}
