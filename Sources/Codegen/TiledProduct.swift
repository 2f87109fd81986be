import IR
import Operators
import TensorTypes

/// A convolution or matrix product with constant weights, as sums in a register tile of result positions by result channels:
///
///     tile[position][channel] = Σ over taps, source channels of source[position, tap, source channel] · weight
///
/// The order of the sum (filter row, source block, filter column, channel within the block) depends on neither the tile nor
/// the split over threads.
struct TiledProduct {
  /// How the source lies in memory, distances in elements.
  struct Source: Hashable {
    let operand: Int
    let rows: Int
    let columns: Int
    let imageStride: Int
    let rowStride: Int
    let columnStride: Int
    let blockStride: Int
    let channelStride: Int
    /// Channels of one block, blocks of one group, channels of the last block.
    let blockChannels: Int
    let blockCount: Int
    let lastBlockChannels: Int
  }

  /// What the tile's positions count.
  enum Positions: Hashable {
    /// Columns of one row of an image.
    case columns
    /// All positions of an image, since no tap reaches over a row's end.
    case plane
    /// Rows of a matrix.
    case rows
  }

  let source: Source
  let weightsOperand: Int
  let isDepthwise: Bool
  let positions: Positions
  let images: Int
  let groups: Int
  /// Blocks of 16 result channels of one group.
  let resultBlocks: Int
  let rowPhases: [AxisPhase]
  let columnPhases: [AxisPhase]
  let resultRows: Int
  let filterRows: Int
  let filterColumns: Int
  /// The constant that holds the weights, and where in it they lie.
  let weightsTensor: HostTensor
  let weights: WeightPositions
}

extension TiledProduct {
  /// The schedule of a region whose anchor is a convolution or matrix product with constant weights; nil if there is none.
  init?(_ region: Region, constants: [HostTensor?]) {
    guard let anchor = region.anchor, region.body[anchor].type.element == .float32 else { return nil }
    let node = region.body[anchor]
    if let convolution = node.operation as? Convolution {
      self.init(convolution, node, region, constants)
    } else if let product = node.operation as? MatrixProduct {
      self.init(product, node, region, constants)
    } else {
      return nil
    }
  }

  private init?(_ convolution: Convolution, _ node: Node, _ region: Region, _ constants: [HostTensor?]) {
    guard convolution.solving != .filter, convolution.strides.count == 2 else { return nil }
    let isForward = convolution.solving == .output
    let numbers = node.operands.map(region.number(ofInput:))
    let sourceNumber = isForward ? numbers[0] : numbers[1]
    weightsOperand = isForward ? numbers[1] : numbers[0]
    guard let tensor = constants[weightsOperand] else { return nil }
    let buffer = region.operands[sourceNumber]
    let filter = tensor.shape
    let ownSourceChannels = buffer.shape[1] / convolution.groups
    let ownResultChannels = node.type.shape[1] / convolution.groups
    isDepthwise = convolution.groups > 1 && ownSourceChannels == 1 && ownResultChannels == 1
    // Narrow groups are computed several at a time, as one group with zeros between them.
    let merged = Self.mergedGroups(convolution.groups, ownSourceChannels, ownResultChannels)
    let sourceChannels = ownSourceChannels * merged
    let resultChannels = ownResultChannels * merged
    if isDepthwise {
      guard buffer.layout == .blocked else { return nil }
      groups = 1
      resultBlocks = buffer.channelBlocks
    } else {
      groups = convolution.groups / merged
      if groups > 1 {
        guard buffer.layout == .blocked, sourceChannels % Buffer.lanes == 0, resultChannels % Buffer.lanes == 0 else {
          return nil
        }
      }
      resultBlocks = (resultChannels + Buffer.lanes - 1) / Buffer.lanes
    }
    let phases = (0..<2).map { axis in
      AxisPhase.phases(
        solving: convolution.solving, stride: convolution.strides[axis], pad: convolution.pads[axis],
        dilation: convolution.dilations[axis], kernel: filter[axis + 2], resultExtent: node.type.shape[axis + 2])
    }
    let isPointwise =
      filter.extents[2...] == [1, 1] && convolution.strides == [1, 1] && convolution.pads == [0, 0]
      && buffer.shape.extents[2...] == node.type.shape.extents[2...] && region.readsWholePlanes
    let plane = buffer.shape[2] * buffer.shape[3]
    let isBlocked = buffer.layout == .blocked
    let lanes = isBlocked ? Buffer.lanes : 1
    source = Source(
      operand: sourceNumber, rows: isPointwise ? 1 : buffer.shape[2], columns: isPointwise ? plane : buffer.shape[3],
      imageStride: buffer.elementCount / buffer.shape[0], rowStride: buffer.shape[3] * lanes, columnStride: lanes,
      blockStride: plane * lanes, channelStride: isBlocked ? 1 : plane,
      blockChannels: isBlocked ? Buffer.lanes : sourceChannels,
      blockCount: isBlocked ? (sourceChannels + Buffer.lanes - 1) / Buffer.lanes : 1,
      lastBlockChannels: isBlocked ? (sourceChannels - 1) % Buffer.lanes + 1 : sourceChannels)
    positions = isPointwise ? .plane : .columns
    images = buffer.shape[0]
    if isPointwise {
      let whole = AxisPhase(phase: 0, resultStride: 1, sourceStride: 1, count: 1, taps: [Tap(filter: 0, offset: 0)])
      rowPhases = [whole]
      columnPhases = [AxisPhase(phase: 0, resultStride: 1, sourceStride: 1, count: plane, taps: whole.taps)]
      resultRows = 1
    } else {
      rowPhases = phases[0]
      columnPhases = phases[1]
      resultRows = node.type.shape[2]
    }
    filterRows = filter[2]
    filterColumns = filter[3]
    let area = filter[2] * filter[3]
    // The filter is [K, C/G, rows, columns]; backward-data swaps the parts of K and C.
    let (kStride, cStride) = (filter[1] * area, area)
    weightsTensor = tensor
    weights = WeightPositions(
      resultChannels: isDepthwise ? node.type.shape[1] : resultChannels,
      sourceChannels: isDepthwise ? 1 : sourceChannels, ownResultChannels: ownResultChannels,
      ownSourceChannels: ownSourceChannels, groupStride: (isForward ? resultChannels : sourceChannels) * kStride,
      resultStride: isForward ? kStride : cStride, sourceStride: isForward ? cStride : kStride,
      resultPeriod: isForward ? .max : ownResultChannels, sourcePeriod: isForward ? ownSourceChannels : .max)
  }

  /// How many groups make up whole blocks of channels on both sides; 1 where none do.
  private static func mergedGroups(_ groups: Int, _ sourceChannels: Int, _ resultChannels: Int) -> Int {
    guard groups > 1, sourceChannels > 1 || resultChannels > 1 else { return 1 }
    if sourceChannels % Buffer.lanes == 0 && resultChannels % Buffer.lanes == 0 { return 1 }
    return (2...Buffer.lanes).first {
      groups % $0 == 0 && sourceChannels * $0 % Buffer.lanes == 0 && resultChannels * $0 % Buffer.lanes == 0
    } ?? 1
  }

  private init?(_ product: MatrixProduct, _ node: Node, _ region: Region, _ constants: [HostTensor?]) {
    let numbers = node.operands.map(region.number(ofInput:))
    guard node.type.shape.rank == 2, let tensor = constants[numbers[1]], constants[numbers[0]] == nil,
      region.operands[numbers[0]].layout == .plain, node.type.shape[1] >= Buffer.lanes / 2
    else { return nil }
    let rows = node.type.shape[0]
    let columns = node.type.shape[1]
    let inner = tensor.shape[product.transposeRight ? 1 : 0]
    weightsOperand = numbers[1]
    isDepthwise = false
    positions = .rows
    images = 1
    groups = 1
    resultBlocks = (columns + Buffer.lanes - 1) / Buffer.lanes
    let blockChannels = min(inner, TiledProductKernel.longestSum)
    let channelStride = product.transposeLeft ? rows : 1
    source = Source(
      operand: numbers[0], rows: 1, columns: rows, imageStride: 0, rowStride: 0,
      columnStride: product.transposeLeft ? 1 : inner, blockStride: blockChannels * channelStride,
      channelStride: channelStride,
      blockChannels: blockChannels, blockCount: (inner + blockChannels - 1) / blockChannels,
      lastBlockChannels: (inner - 1) % blockChannels + 1)
    let whole = AxisPhase(phase: 0, resultStride: 1, sourceStride: 1, count: 1, taps: [Tap(filter: 0, offset: 0)])
    rowPhases = [whole]
    columnPhases = [AxisPhase(phase: 0, resultStride: 1, sourceStride: 1, count: rows, taps: whole.taps)]
    resultRows = 1
    filterRows = 1
    filterColumns = 1
    weightsTensor = tensor
    weights = WeightPositions(
      resultChannels: columns, sourceChannels: inner, ownResultChannels: columns, ownSourceChannels: inner,
      groupStride: 0, resultStride: product.transposeRight ? inner : 1, sourceStride: product.transposeRight ? 1 : columns)
  }

  /// How the weights lie for a tile.
  func packing(_ tile: TileShape) -> WeightPacking {
    WeightPacking(
      weights: weights, tile: tile, groups: groups, resultBlocks: resultBlocks, isDepthwise: isDepthwise,
      filterRows: filterRows, filterColumns: filterColumns, blockCount: source.blockCount,
      blockChannels: source.blockChannels)
  }

  var algorithm: String {
    switch positions {
    case .rows: "matrix tile"
    case .plane: "pointwise tile"
    case .columns:
      isDepthwise ? "depthwise tile" : rowPhases.count * columnPhases.count > 1 ? "direct tile by phases" : "direct tile"
    }
  }
}

extension Region {
  /// Whether everything beside the anchor reads whole planes at the result's own position or not by position at all, so that
  /// rows and columns may be counted as one.
  var readsWholePlanes: Bool {
    body.values.allSatisfy { value in
      guard value != anchor, let operation = body[value].operation else { return true }
      if let broadcast = operation as? Broadcast {
        return broadcast.shape.rank == 4 && broadcast.axes.contains(2) == broadcast.axes.contains(3)
      }
      return operation is Elementwise || operation is Convert
    }
  }
}
