import Programs
import TensorTypes

/// A program family loaded for running: code, constants, and one arena that all of its programs share.
///
/// Because of the shared arena, running a program destroys what another left there: write every input when another program
/// ran before, and read the outputs before the next run. A program leaves its own inputs as they are.
///
///     let executable = try Executable(family, threads: 2)
///     let outputs = try executable.run("map", ["x": image])
///
/// Loops use ``programIndex(named:)``, ``input(_:of:)``, ``write(_:to:)``, ``run(_:)`` and ``read(_:into:)``, which allocate
/// nothing.
public final class Executable {
  public let programs: [Program]
  public let pool: ThreadPool
  /// Bytes of the arena, the largest that one of the programs needs.
  public var arenaByteCount: Int { arena.byteCount }
  public var constantByteCount: Int { constants.bytes.count }

  let arena: MappedMemory
  let tables: [StepTable]
  let constants: LoadedConstants
  private let code: LoadedCode

  /// Loads the code and resolves every address. Constants in a mapped file stay where they are, others are copied.
  /// - Throws: ``ExecutionError`` when the code does not load, a kernel is missing, or an address lies outside its memory.
  public init(_ family: ProgramFamily, pool: ThreadPool) throws(ExecutionError) {
    programs = family.programs
    self.pool = pool
    for program in programs { try checkPorts(of: program) }
    code = try LoadedCode(family.code)
    constants = try LoadedConstants(family.constants)
    arena = try MappedMemory(byteCount: programs.map(\.arenaByteCount).max() ?? 0)
    var tables: [StepTable] = []
    for program in programs {
      tables.append(try StepTable(program, code: code, arena: arena, constants: constants, pool: pool))
    }
    self.tables = tables
  }

  public convenience init(
    _ family: ProgramFamily, threads: Int = ThreadPool.usableProcessorCount
  ) throws(ExecutionError) {
    try self.init(family, pool: ThreadPool(threadCount: threads))
  }

  /// The position of a program, for ``run(_:)``.
  public func programIndex(named name: String) throws(ExecutionError) -> Int {
    guard let index = programs.firstIndex(where: { $0.name == name }) else {
      throw .unknownProgram(name: name, known: programs.map(\.name))
    }
    return index
  }

  public func input(_ name: String, of program: Int) throws(ExecutionError) -> Port {
    let program: Program = programs[program]
    guard let port = program.inputs.first(where: { $0.name == name }) else {
      throw .unknownInput(name: name, program: program.name, known: program.inputs.map(\.name))
    }
    return port
  }

  public func output(_ name: String, of program: Int) throws(ExecutionError) -> Port {
    let program: Program = programs[program]
    guard let port = program.outputs.first(where: { $0.name == name }) else {
      throw .unknownOutput(name: name, program: program.name, known: program.outputs.map(\.name))
    }
    return port
  }

  /// Runs all steps of a program on what its inputs hold. Allocates nothing.
  /// - Throws: ``ExecutionError/indexOutOfRange(program:step:summary:node:)`` when a kernel met a bad index.
  public func run(_ program: Int) throws(ExecutionError) {
    let table: StepTable = tables[program]
    pool.run(table.all)
    if let index = table.takeFirstError() {
      let step: Step = programs[program].steps[index]
      throw .indexOutOfRange(
        program: programs[program].name, step: index, summary: step.summary, node: step.node)
    }
  }

  /// Runs a program once from host tensors to host tensors, by name.
  ///
  /// Floating-point storage is converted to the type of the port; f32 outputs have f32 storage.
  /// - Throws: ``ExecutionError`` for unknown programs, missing or unknown inputs, wrong types, bad indices.
  public func run(
    _ name: String, _ inputs: [String: HostTensor]
  ) throws(ExecutionError) -> [String: HostTensor] {
    let index: Int = try programIndex(named: name)
    try write(inputs, toInputsOf: index)
    try run(index)
    var outputs: [String: HostTensor] = [:]
    for port in programs[index].outputs { outputs[port.name] = try read(port) }
    return outputs
  }

  /// Writes all inputs of a program.
  func write(_ inputs: [String: HostTensor], toInputsOf index: Int) throws(ExecutionError) {
    let program: Program = programs[index]
    for port in program.inputs where inputs[port.name] == nil {
      throw .missingInput(name: port.name, program: program.name, expected: port.type)
    }
    for name in inputs.keys.sorted() {
      guard let tensor = inputs[name] else { continue }
      try write(tensor, to: input(name, of: index))
    }
  }
}

private func checkPorts(of program: Program) throws(ExecutionError) {
  guard program.arenaByteCount >= 0 else {
    throw .invalidProgram(program: program.name, part: "the arena", reason: "has \(program.arenaByteCount) bytes")
  }
  for port in program.inputs + program.outputs {
    guard port.offset >= 0, port.offset % 64 == 0, port.type.byteCount <= program.arenaByteCount - port.offset else {
      throw .invalidProgram(
        program: program.name, part: "'\(port.name)'", reason: "lies outside the arena or is not aligned to 64 bytes")
    }
  }
}
