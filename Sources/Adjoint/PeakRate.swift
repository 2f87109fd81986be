import Codegen
import Execution
import NativeCompilation
import Programs
import TensorTypes

/// The most multiply-adds that the processor does in a second, measured: the roof that other rates are compared with.
enum PeakRate {
  /// Independent chains of multiply-adds in registers, on all threads of the pool. Cost: about a fifth of a second.
  /// - Returns: floating-point operations a second.
  static func measure(cpu: TargetCPU, compiler: CCompiler, pool: ThreadPool) throws -> Double {
    let lanes = cpu.floatLaneCount
    // Latency times throughput of an FMA is 8 to 10 on current processors; all chains and both factors stay in registers.
    let chains = min(12, cpu.vectorRegisterCount - 4)
    let repetitions = 1 << 16
    let tasks = pool.threadCount * 4
    let names = (0..<chains).map { "a\($0)" }
    let constraint = vectorRegister(cpu)
    let steps = names.map { "\($0) = \($0) * factor + term; __asm__ volatile(\"\" : \"+\(constraint)\"(\($0)));" }
    let text = """
      typedef float vector __attribute__((vector_size(\(4 * lanes))));
      void kernel_0(char *const *operands, long first, long end, int *error) {
        for (long task = first; task < end; ++task) {
          vector factor = (vector){} + 0.999999f, term = (vector){} + 1e-6f * (float)(task + 1);
          vector \(names.map { "\($0) = term" }.joined(separator: ", "));
          for (long i = 0; i < \(repetitions); ++i) {
            \(steps.joined(separator: "\n      "))
          }
          vector sum = \(names.joined(separator: " + "));
          ((float *)operands[0])[task] = sum[0];
        }
      }

      """
    let type = TensorType(.float32, [tasks])
    let operations = 2 * lanes * chains * repetitions * tasks
    let step = Step(
      kernel: 0, operands: [.arena(0)], taskCount: tasks, summary: "multiply-adds", node: nil,
      floatingPointOperations: operations, bytesMoved: type.byteCount)
    let program = Program(
      name: "peak", inputs: [], outputs: [Port(name: "sums", type: type, offset: 0)], steps: [step],
      arenaByteCount: (type.byteCount + 63) / 64 * 64)
    let family = ProgramFamily(programs: [program], code: try compiler.compile(units: [text], for: cpu), constants: [])
    let executable = try Executable(family, pool: pool)
    var best = Double.infinity
    for _ in 0..<12 {
      let start = ContinuousClock.now
      try executable.run(0)
      best = min(best, (ContinuousClock.now - start).seconds)
    }
    return Double(operations) / best
  }
}

/// The constraint by which inline assembly names a vector register.
private func vectorRegister(_ cpu: TargetCPU) -> String {
  #if arch(x86_64)
    cpu.vectorBitCount == 512 ? "v" : "x"
  #else
    "w"
  #endif
}
