import CPlatform
import Programs

/// The steps of one program with every address resolved, ready for the thread pool.
final class StepTable {
  private let steps: UnsafeMutableBufferPointer<platform_step>
  private let operands: UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>
  /// One word per step, so that a failure names its step.
  private let errors: UnsafeMutableBufferPointer<Int32>

  init(
    _ program: Program, code: LoadedCode, arena: MappedMemory, constants: LoadedConstants, pool: ThreadPool
  ) throws(ExecutionError) {
    steps = .allocate(capacity: program.steps.count)
    operands = .allocate(capacity: program.steps.reduce(0) { $0 + $1.operands.count })
    errors = .allocate(capacity: program.steps.count)
    errors.initialize(repeating: 0)

    var nextOperand: Int = 0
    for (index, step) in program.steps.enumerated() {
      guard step.taskCount >= 0 else {
        throw .invalidProgram(program: program.name, part: "step \(index)", reason: "has \(step.taskCount) tasks")
      }
      guard let kernel = step.kernel >= 0 ? code.kernel(step.kernel) : nil else {
        throw .missingKernel(kernel: step.kernel, program: program.name, step: index)
      }
      let firstOperand: Int = nextOperand
      for address in step.operands {
        guard let pointer = pointer(to: address, arena: arena, constants: constants) else {
          throw .invalidProgram(
            program: program.name, part: "step \(index)", reason: "has an operand outside its memory: \(address)")
        }
        operands.initializeElement(at: nextOperand, to: pointer)
        nextOperand += 1
      }
      let work: Int = step.floatingPointOperations + step.bytesMoved
      let chunkCount: UInt32 = pool.chunkCount(taskCount: step.taskCount, operationsAndBytes: work > 0 ? work : nil)
      steps.initializeElement(
        at: index,
        to: platform_step(
          kernel: kernel, operands: operands.baseAddress.map { $0 + firstOperand }.map { UnsafePointer($0) },
          error: errors.baseAddress.map { $0 + index }, task_count: step.taskCount, chunk_count: chunkCount))
    }
  }

  deinit {
    steps.deallocate()
    operands.deallocate()
    errors.deallocate()
  }

  var all: UnsafeBufferPointer<platform_step> { UnsafeBufferPointer(steps) }

  func only(_ index: Int) -> UnsafeBufferPointer<platform_step> {
    UnsafeBufferPointer(rebasing: all[index...index])
  }

  /// The first step whose kernel reported an error since the last call.
  func takeFirstError() -> Int? {
    var failed: Int?
    for index in 0..<errors.count where errors[index] != 0 {
      failed = failed ?? index
      errors[index] = 0
    }
    return failed
  }
}

private func pointer(
  to address: Address, arena: MappedMemory, constants: LoadedConstants
) -> UnsafeMutablePointer<CChar>? {
  let (memory, offset): (UnsafeRawBufferPointer, Int) =
    switch address {
    case .arena(let offset): (UnsafeRawBufferPointer(arena.bytes), offset)
    case .constants(let offset): (constants.bytes, offset)
    }
  guard offset >= 0, offset <= memory.count, let start = memory.baseAddress else { return nil }
  let pointer = UnsafeMutablePointer(mutating: (start + offset).assumingMemoryBound(to: CChar.self))
  return UInt(bitPattern: pointer) % 64 == 0 ? pointer : nil
}
