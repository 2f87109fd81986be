import Execution
import NativeCompilation
import Programs
import TensorTypes

/// The rate at which memory beyond the caches is read and written, measured.
enum PeakBandwidth {
  /// Copies 64 MB to another place, on all threads of the pool. Cost: about a tenth of a second.
  /// - Returns: bytes read and written a second.
  static func measure(cpu: TargetCPU, compiler: CCompiler, pool: ThreadPool) throws -> Double {
    let tasks = 256
    let elements = 1 << 16
    let text = """
      void kernel_0(char *const *operands, long first, long end, int *error) {
        const float *restrict source = (const float *)operands[0];
        float *restrict target = (float *)operands[1];
        for (long i = first * \(elements); i < end * \(elements); ++i) target[i] = source[i] + 1.0f;
      }

      """
    let type = TensorType(.float32, [tasks * elements])
    let step = Step(
      kernel: 0, operands: [.arena(0), .arena(type.byteCount)], taskCount: tasks, summary: "copy", node: nil,
      floatingPointOperations: 0, bytesMoved: 2 * type.byteCount)
    let program = Program(
      name: "bandwidth", inputs: [Port(name: "source", type: type, offset: 0)],
      outputs: [Port(name: "target", type: type, offset: type.byteCount)], steps: [step], arenaByteCount: 2 * type.byteCount)
    let family = ProgramFamily(programs: [program], code: try compiler.compile(units: [text], for: cpu), constants: [])
    let executable = try Executable(family, pool: pool)
    try executable.write(.filled(type, with: 0), to: program.inputs[0])
    var best = Double.infinity
    for _ in 0..<8 {
      let start = ContinuousClock.now
      try executable.run(0)
      best = min(best, (ContinuousClock.now - start).seconds)
    }
    return Double(2 * type.byteCount) / best
  }
}
