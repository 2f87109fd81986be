import IR

/// How much is written between a value and its first reader.
struct ReuseDistances {
  /// Bytes written after which a value is in no cache any more.
  private static let cacheByteCount = 32 << 20

  /// By value: its readers in their order, and the bytes of all values up to it.
  private var readers: [[Value]]
  private var writtenByteCounts: [Int] = []

  init(_ graph: Graph, _ buffers: [Buffer]) {
    readers = [[Value]](repeating: [], count: graph.nodes.count)
    var written = 0
    for value in graph.values {
      for operand in graph[value].operands { readers[operand.index].append(value) }
      if graph[value].operation != nil { written += buffers[value.index].byteCount }
      writtenByteCounts.append(written)
    }
  }

  /// Whether the first reader comes so late that the value has left the caches; false where nothing reads it.
  /// - Parameter members: computed together with the value, so that they do not read it from memory.
  func exceedCaches(from value: Value, besides members: [Value]) -> Bool {
    guard let reader = readers[value.index].first(where: { !members.contains($0) }) else { return false }
    return writtenByteCounts[reader.index] - writtenByteCounts[value.index] > Self.cacheByteCount
  }
}
