import IR

/// How much is written from a value on until its first reader.
struct ReuseDistances {
  private let cacheByteCount: Int
  /// By value: its readers in their order, and the bytes of all values ahead of it.
  private var readers: [[Value]]
  private var writtenByteCounts: [Int] = []

  init(_ graph: Graph, _ buffers: [Buffer], cacheByteCount: Int) {
    self.cacheByteCount = cacheByteCount
    readers = [[Value]](repeating: [], count: graph.nodes.count)
    var written = 0
    for value in graph.values {
      for operand in graph[value].operands { readers[operand.index].append(value) }
      writtenByteCounts.append(written)
      if graph[value].operation != nil { written += buffers[value.index].byteCount }
    }
  }

  /// Whether the first reader comes so late that the value has left the caches; false where nothing reads it.
  /// - Parameter members: computed together with the value, so that they do not read it from memory.
  func exceedCaches(from value: Value, besides members: [Value]) -> Bool {
    guard let reader = readers[value.index].first(where: { !members.contains($0) }) else { return false }
    return writtenByteCounts[reader.index] - writtenByteCounts[value.index] > cacheByteCount
  }
}
