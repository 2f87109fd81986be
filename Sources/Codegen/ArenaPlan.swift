/// Places buffers that live at different times at the same offsets.
///
/// Greedy by size: the largest buffer first, each at the lowest offset that is free during its whole life (Pisarchyk and
/// Lee, "Efficient memory management for deep neural net inference", 2020). Quadratic in the number of buffers.
struct ArenaPlan {
  struct Request {
    let byteCount: Int
    /// First and last step that uses the buffer.
    let life: ClosedRange<Int>
  }

  /// Byte offset of each request, a multiple of 64.
  let offsets: [Int]
  let byteCount: Int

  init(_ requests: [Request]) {
    var offsets = [Int](repeating: 0, count: requests.count)
    var placed: [Int] = []
    var end = 0
    let order = requests.indices.sorted { (requests[$1].byteCount, $0) < (requests[$0].byteCount, $1) }
    for index in order {
      let request = requests[index]
      let neighbours = placed.filter { requests[$0].life.overlaps(request.life) }.sorted { offsets[$0] < offsets[$1] }
      var offset = 0
      for neighbour in neighbours {
        if offset + reserved(request.byteCount) <= offsets[neighbour] { break }
        offset = max(offset, offsets[neighbour] + reserved(requests[neighbour].byteCount))
      }
      offsets[index] = offset
      placed.append(index)
      end = max(end, offset + reserved(request.byteCount))
    }
    self.offsets = offsets
    byteCount = end
  }
}

/// What a buffer takes of the arena.
///
/// Behind a large one nine cache lines stay free: images of whole pages, one right behind the other, would have each element
/// at the same place of a page, where processors take a load for one of what a store to the other has just written, and all
/// in one set of the first-level cache.
private func reserved(_ byteCount: Int) -> Int { aligned(byteCount) + (byteCount >= 64 << 10 ? 9 * 64 : 0) }
