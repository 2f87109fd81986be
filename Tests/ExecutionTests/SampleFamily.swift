import NativeCompilation
import Programs
import TensorTypes

/// A hand-written family: what the compiler would hand over, small enough to predict every byte.
enum SampleFamily {
  static let code = """
    // scale: y = 2 x + c, 16 elements a task
    void kernel_0(char *const *operands, long first, long end, int *error) {
      const float *x = (const float *)operands[0], *c = (const float *)operands[1];
      float *y = (float *)operands[2];
      for (long i = first * 16; i < end * 16; i++) y[i] = 2 * x[i] + c[i];
    }
    // gather: y[i] = x[index[i]] of 1024 elements
    void kernel_1(char *const *operands, long first, long end, int *error) {
      const float *x = (const float *)operands[0];
      const long *index = (const long *)operands[1];
      float *y = (float *)operands[2];
      for (long i = first; i < end; i++) {
        if (index[i] < 0 || index[i] >= 1024) { *error = 1; y[i] = 0; continue; }
        y[i] = x[index[i]];
      }
    }
    // mix: z[i] = x[1023 - i] - 0.5 x[i]: every chunk needs what other threads wrote, and a fused product rounds alike
    void kernel_2(char *const *operands, long first, long end, int *error) {
      const float *x = (const float *)operands[0];
      float *z = (float *)operands[1];
      for (long i = first; i < end; i++) z[i] = x[1023 - i] - 0.5f * x[i];
    }
    // convert: (f64, i32, i64, bool) to the same plus one, negated for bool
    void kernel_3(char *const *operands, long first, long end, int *error) {
      for (long i = first; i < end; i++) {
        ((double *)operands[4])[i] = ((const double *)operands[0])[i] + 1;
        ((int *)operands[5])[i] = ((const int *)operands[1])[i] + 1;
        ((long *)operands[6])[i] = ((const long *)operands[2])[i] + 1;
        ((unsigned char *)operands[7])[i] = !((const unsigned char *)operands[3])[i];
      }
    }
    """

  static let vector = TensorType(.float32, [1024])
  static let mixCount = 60

  static func step(
    _ kernel: Int, _ operands: [Address], tasks: Int, _ summary: String, node: String? = nil
  ) -> Step {
    Step(
      kernel: kernel, operands: operands, taskCount: tasks, summary: summary, node: node, floatingPointOperations: 0,
      bytesMoved: 0)
  }

  static let scale = Program(
    name: "scale", inputs: [Port(name: "x", type: vector, offset: 0)],
    outputs: [Port(name: "y", type: vector, offset: 4096)],
    steps: [step(0, [.arena(0), .constants(4096), .arena(4096)], tasks: 64, "multiply + add")], arenaByteCount: 8192)

  static let gather = Program(
    name: "gather",
    inputs: [
      Port(name: "x", type: vector, offset: 0), Port(name: "index", type: TensorType(.int64, [100]), offset: 4096),
    ],
    outputs: [Port(name: "y", type: TensorType(.float32, [100]), offset: 8192)],
    steps: [
      step(1, [.arena(0), .arena(4096), .arena(8192)], tasks: 100, "gather", node: "/pick/Gather"),
      step(1, [.arena(0), .arena(4096), .arena(8192)], tasks: 100, "gather", node: "/later/Gather"),
    ], arenaByteCount: 8192 + 448)

  static let mix = Program(
    name: "mix", inputs: [Port(name: "x", type: vector, offset: 0)],
    outputs: [Port(name: "y", type: vector, offset: 0)],
    steps: (0..<mixCount).map { index in
      step(
        2, [.arena(index % 2 * 4096), .arena((index + 1) % 2 * 4096)], tasks: 1024,
        "mix \(index)")
    }, arenaByteCount: 8192)

  static let convert: Program = {
    let types: [TensorType] = [ElementType.float64, .int32, .int64, .boolean].map { TensorType($0, [2, 3]) }
    return Program(
      name: "convert",
      inputs: types.enumerated().map { Port(name: $1.element.rawValue, type: $1, offset: 64 * $0) },
      outputs: types.enumerated().map { Port(name: $1.element.rawValue, type: $1, offset: 64 * ($0 + 4)) },
      steps: [step(3, (0..<8).map { .arena(64 * $0) }, tasks: 6, "convert")], arenaByteCount: 512)
  }()

  /// The constant of `scale` starts at byte 4096: element i is i / 8.
  static let constants: [UInt8] =
    [UInt8](repeating: 0, count: 4096)
    + (0..<1024).flatMap { index in withUnsafeBytes(of: Float(index) / 8, Array.init) }

  static let object: Result<[UInt8], CompilationError> = Result { () throws(CompilationError) in
    try CCompiler.locate().compile(units: [code], for: .best)
  }

  static func family(_ programs: [Program] = [scale, gather, mix, convert]) throws -> ProgramFamily {
    ProgramFamily(programs: programs, code: try object.get(), constants: constants)
  }
}
