import Programs
import TensorTypes

// Moving elements between host memory and the ports of programs.
extension Executable {
  /// Copies the elements of an f32 port into the arena.
  public func write(_ elements: UnsafeBufferPointer<Float>, to port: Port) throws(ExecutionError) {
    try memory(of: port, for: elements.count, .float32).copyMemory(from: UnsafeRawBufferPointer(elements))
  }

  public func write(_ elements: [Float], to port: Port) throws(ExecutionError) {
    let memory: UnsafeMutableRawBufferPointer = try memory(of: port, for: elements.count, .float32)
    elements.withUnsafeBytes { memory.copyMemory(from: $0) }
  }

  /// Copies the elements of an i64 port into the arena.
  public func write(_ elements: [Int64], to port: Port) throws(ExecutionError) {
    let memory: UnsafeMutableRawBufferPointer = try memory(of: port, for: elements.count, .int64)
    elements.withUnsafeBytes { memory.copyMemory(from: $0) }
  }

  /// Converts a tensor to the element type of the port and copies it into the arena.
  public func write(_ tensor: HostTensor, to port: Port) throws(ExecutionError) {
    guard tensor.type == port.type else { throw .wrongType(port: port.name, expected: port.type, found: tensor.type) }
    let memory: UnsafeMutableRawBufferPointer = try memory(of: port)
    switch (tensor.storage, port.type.element) {
    case (.double(let elements), .float32):
      let target = memory.bindMemory(to: Float.self)
      for (index, element) in elements.enumerated() { target[index] = Float(element) }
    case (.integer(let elements), .int32):
      let target = memory.bindMemory(to: Int32.self)
      for (index, element) in elements.enumerated() {
        guard let narrow = Int32(exactly: element) else {
          throw .integerOutOfRange(port: port.name, expected: port.type, value: element)
        }
        target[index] = narrow
      }
    case (.boolean(let elements), _):
      for (index, element) in elements.enumerated() { memory[index] = element ? 1 : 0 }
    case (.float(let elements), _): elements.withUnsafeBytes { memory.copyMemory(from: $0) }
    case (.double(let elements), _): elements.withUnsafeBytes { memory.copyMemory(from: $0) }
    case (.integer(let elements), _): elements.withUnsafeBytes { memory.copyMemory(from: $0) }
    }
  }

  /// Copies the elements of an f32 port out of the arena.
  public func read(_ port: Port, into elements: UnsafeMutableBufferPointer<Float>) throws(ExecutionError) {
    UnsafeMutableRawBufferPointer(elements).copyMemory(
      from: UnsafeRawBufferPointer(try memory(of: port, for: elements.count, .float32)))
  }

  /// The elements of an f32 port.
  public func floats(of port: Port) throws(ExecutionError) -> [Float] {
    elements(in: try memory(of: port, for: port.type.shape.elementCount, .float32))
  }

  /// The tensor that a port holds; an f32 port gives f32 storage.
  public func read(_ port: Port) throws(ExecutionError) -> HostTensor {
    let memory: UnsafeMutableRawBufferPointer = try memory(of: port)
    let storage: HostTensor.Storage =
      switch port.type.element {
      case .float32: .float(elements(in: memory))
      case .float64: .double(elements(in: memory))
      case .int32: .integer((elements(in: memory) as [Int32]).map(Int64.init))
      case .int64: .integer(elements(in: memory))
      case .boolean: .boolean((elements(in: memory) as [UInt8]).map { $0 != 0 })
      }
    return HostTensor(port.type, storage)
  }

  /// Copies one port of the arena to another of the same type, as when an iterate becomes the next input.
  public func copy(_ source: Port, to target: Port) throws(ExecutionError) {
    guard source.type == target.type else {
      throw .wrongType(port: target.name, expected: target.type, found: source.type)
    }
    let sourceMemory = UnsafeRawBufferPointer(try memory(of: source))
    try memory(of: target).copyMemory(from: sourceMemory)
  }

  /// The memory of a port that should hold `count` elements of type `element`.
  private func memory(
    of port: Port, for count: Int, _ element: ElementType
  ) throws(ExecutionError) -> UnsafeMutableRawBufferPointer {
    guard element == port.type.element else {
      throw .wrongType(port: port.name, expected: port.type, found: TensorType(element, port.type.shape))
    }
    guard count == port.type.shape.elementCount else {
      throw .wrongElementCount(port: port.name, expected: port.type, found: count)
    }
    return try memory(of: port)
  }

  private func memory(of port: Port) throws(ExecutionError) -> UnsafeMutableRawBufferPointer {
    let byteCount: Int = port.type.byteCount
    guard port.offset >= 0, byteCount <= arena.byteCount - port.offset else {
      throw .foreignPort(name: port.name)
    }
    return UnsafeMutableRawBufferPointer(start: arena.base + port.offset, count: byteCount)
  }

  private func elements<Element: BitwiseCopyable>(in memory: UnsafeMutableRawBufferPointer) -> [Element] {
    let count: Int = memory.count / MemoryLayout<Element>.stride
    return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: UnsafeRawBufferPointer(memory))
      initialized = count
    }
  }
}
