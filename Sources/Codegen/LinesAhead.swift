/// Requests for the cache lines that the end of a tile reads and writes, spread over its sums, so that memory works while the
/// tile is computed.
///
/// The lines belong to blocks of images: at each block the vectors of the tile's positions. While the sums pass over one
/// block of the source, 16 channels, they ask for 16 positions of so many blocks that all are asked for in time.
struct LinesAhead {
  static let none = LinesAhead(images: [], blocks: 0, width: 0, stride: 1, turns: 0)

  /// C addresses of a vector of each image, in terms of `block` and the tile's position `j`.
  private let images: [String]
  private let blocks: Int
  /// Pieces of 16 positions.
  private let pieces: Int
  /// Distance between positions.
  private let stride: Int
  /// Pieces asked for at one block of the source.
  private let share: Int

  /// - Parameter turns: blocks of the source that the sums of a tile pass over; none asks for nothing.
  init(images: [String], blocks: Int, width: Int, stride: Int, turns: Int) {
    self.images = turns > 0 ? images : []
    self.blocks = blocks
    self.stride = stride
    pieces = (width + Buffer.lanes - 1) / Buffer.lanes
    share = turns > 0 ? (images.count * blocks * pieces + turns - 1) / turns : 0
  }

  private var count: Int { images.count * blocks * pieces }

  /// Computes the addresses ahead of the sums.
  func addresses(_ eachBlock: [String], _ indices: [String]) -> [String] {
    guard count > 0 else { return [] }
    var lines = ["const float *ahead[\(count)];"] + eachBlock + ["const long j = 0;"] + indices
    for (number, image) in images.enumerated() {
      for piece in 0..<pieces {
        let place = "(o * \(images.count) + \(number)) * \(pieces) + \(piece)"
        lines.append("ahead[\(place)] = \(image) + \(piece * Buffer.lanes * stride * Buffer.lanes);")
      }
    }
    return lines + ["}"]
  }

  var argument: String { count > 0 ? ", ahead, \(count)" : "" }
  var parameter: String { count > 0 ? ", const float *const *ahead, const int aheadCount" : "" }
  /// Ahead of all blocks of the source.
  var start: [String] { count > 0 ? ["int turn = 0;"] : [] }

  /// At a block of the source.
  var turn: [String] {
    (0..<(count > 0 ? share : 0)).map {
      "const float *const line\($0) = ahead[turn + \($0) < aheadCount ? turn + \($0) : aheadCount - 1];"
    } + (count > 0 ? ["turn += \(share);"] : [])
  }

  /// At a channel `c` of the block. Asking as if to write saves asking again for what is written.
  var requests: [String] {
    (0..<(count > 0 ? share : 0)).map { "__builtin_prefetch(line\($0) + c * \(stride * Buffer.lanes), 1);" }
  }
}
