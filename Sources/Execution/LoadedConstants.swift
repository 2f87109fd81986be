import Programs

/// The constants of a family where kernels read them: those of a file in its own pages, those in memory copied once.
final class LoadedConstants {
  let bytes: UnsafeRawBufferPointer
  private let owner: AnyObject

  init(_ constants: ConstantBytes) throws(ExecutionError) {
    switch constants {
    case .file(let file, let range):
      bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
      owner = file
    case .memory(let array):
      let memory = try MappedMemory(byteCount: array.count)
      memory.bytes.copyBytes(from: array)
      memory.makeReadOnly()
      bytes = UnsafeRawBufferPointer(memory.bytes)
      owner = memory
    }
  }
}
