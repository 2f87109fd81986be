import TensorTypes

/// Where an operand of a step lies: an offset in bytes, a multiple of 64.
public enum Address: Sendable, Hashable {
  case arena(Int)
  case constants(Int)
}

/// An input or output of a program: a row-major tensor in the arena.
public struct Port: Sendable, Hashable, Codable {
  public let name: String
  public let type: TensorType
  /// Byte offset in the arena.
  public let offset: Int

  public init(name: String, type: TensorType, offset: Int) {
    self.name = name
    self.type = type
    self.offset = offset
  }
}

/// One call of a kernel: `kernel(operands, first task, end task, error word)`.
public struct Step: Sendable, Hashable, Codable {
  /// Index into the kernels of the family's code.
  public let kernel: Int
  /// Sources first, the result last.
  public let operands: [Address]
  /// Independent pieces of work; any split over threads gives the same bytes.
  public let taskCount: Int
  /// What the step computes, in the words of the IR: "convolution + add + relu".
  public let summary: String
  /// The ONNX node it came from.
  public let node: String?
  public let floatingPointOperations: Int
  /// Bytes read and written, each operand counted once.
  public let bytesMoved: Int

  public init(
    kernel: Int, operands: [Address], taskCount: Int, summary: String, node: String?, floatingPointOperations: Int,
    bytesMoved: Int
  ) {
    self.kernel = kernel
    self.operands = operands
    self.taskCount = taskCount
    self.summary = summary
    self.node = node
    self.floatingPointOperations = floatingPointOperations
    self.bytesMoved = bytesMoved
  }
}

/// What the compiler hands to execution for one graph.
public struct Program: Sendable, Hashable, Codable {
  public let name: String
  public let inputs: [Port]
  public let outputs: [Port]
  public let steps: [Step]
  /// Bytes of the arena that holds every input, output and intermediate.
  public let arenaByteCount: Int

  public init(name: String, inputs: [Port], outputs: [Port], steps: [Step], arenaByteCount: Int) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.steps = steps
    self.arenaByteCount = arenaByteCount
  }

  public var floatingPointOperations: Int { steps.reduce(0) { $0 + $1.floatingPointOperations } }
  public var bytesMoved: Int { steps.reduce(0) { $0 + $1.bytesMoved } }
}

/// Programs that share one body of code and one constant pool.
public struct ProgramFamily: Sendable {
  public let programs: [Program]
  /// A shared object that exports the kernels as `kernel_0`, `kernel_1`, ...
  public let code: [UInt8]
  /// Constants in the layouts that the kernels read, each at a multiple of 64 bytes.
  public let constants: ConstantBytes

  public init(programs: [Program], code: [UInt8], constants: ConstantBytes) {
    self.programs = programs
    self.code = code
    self.constants = constants
  }

  public init(programs: [Program], code: [UInt8], constants: [UInt8]) {
    self.init(programs: programs, code: code, constants: .memory(constants))
  }

  public func program(named name: String) -> Program? { programs.first { $0.name == name } }
}
