import CPlatform

/// Page-aligned zeroed memory with at least 64 bytes of slack on both sides, where vector loads may stray.
final class MappedMemory {
  private let memory: platform_memory
  let byteCount: Int

  init(byteCount: Int) throws(ExecutionError) {
    var memory = platform_memory()
    guard platform_map_memory(byteCount, &memory) else { throw .outOfMemory(byteCount: byteCount) }
    self.memory = memory
    self.byteCount = byteCount
  }

  deinit { platform_unmap_memory(memory) }

  var base: UnsafeMutablePointer<CChar> { memory.base }
  var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: memory.base, count: byteCount) }

  /// From here on a write to the memory is a fault.
  func makeReadOnly() { platform_protect_memory(memory) }
}

/// Memory of this process as the operating system counts it.
public enum ResidentMemory {
  /// The largest number of bytes that were ever resident.
  public static var peakByteCount: Int { platform_peak_resident_byte_count() }
}
