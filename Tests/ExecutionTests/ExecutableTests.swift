import CPlatform
import Execution
import Programs
import TensorTypes
import Testing

@Suite struct ExecutableTests {
  static let ramp: [Float] = (0..<1024).map { Float($0) - 500 }

  @Test("A program computes what its kernels say", arguments: [1, 2, 3])
  func values(threads: Int) throws {
    let executable = try Executable(SampleFamily.family(), threads: threads)
    let outputs = try executable.run("scale", ["x": HostTensor([1024], Self.ramp)])
    let expected: [Float] = Self.ramp.enumerated().map { 2 * $1 + Float($0) / 8 }
    #expect(Array(outputs.keys) == ["y"])
    let isExpected: Bool = outputs["y"] == HostTensor([1024], expected)
    #expect(isExpected)
  }

  @Test func anyNumberOfThreadsGivesTheSameBytes() throws {
    var expected: [Float] = Self.ramp
    for _ in 0..<SampleFamily.mixCount { expected = (0..<1024).map { expected[1023 - $0] - 0.5 * expected[$0] } }
    for threads in 1...4 {
      let executable = try Executable(SampleFamily.family(), threads: threads)
      for repetition in 0..<300 {
        let outputs = try executable.run("mix", ["x": HostTensor([1024], Self.ramp)])
        let isExpected: Bool = outputs["y"]?.floats == expected
        #expect(isExpected, "\(threads) threads, repetition \(repetition)")
      }
    }
  }

  @Test func everyElementTypeGoesInAndOut() throws {
    let executable = try Executable(SampleFamily.family(), threads: 1)
    let f64: [Double] = [0.1, -2, 1e300, 3, 4, 5]
    let integers: [Int64] = [0, -1, 2, 2_147_483_000, -2_147_483_648, 7]
    let wide: [Int64] = [.max - 1, .min, 0, 1, 2, 3]
    let booleans: [Bool] = [true, false, false, true, true, false]
    let outputs = try executable.run(
      "convert",
      [
        "f64": HostTensor(TensorType(.float64, [2, 3]), .double(f64)),
        "i32": HostTensor(TensorType(.int32, [2, 3]), .integer(integers)),
        "i64": HostTensor(TensorType(.int64, [2, 3]), .integer(wide)),
        "bool": HostTensor(TensorType(.boolean, [2, 3]), .boolean(booleans)),
      ])
    #expect(outputs["f64"]?.storage == .double(f64.map { $0 + 1 }))
    #expect(outputs["i32"]?.storage == .integer(integers.map { $0 + 1 }))
    #expect(outputs["i64"]?.storage == .integer(wide.map { $0 + 1 }))
    #expect(outputs["bool"]?.storage == .boolean(booleans.map { !$0 }))
  }

  @Test func wideStorageIsRoundedForAnF32Input() throws {
    let executable = try Executable(SampleFamily.family(), threads: 1)
    let thirds = HostTensor(SampleFamily.vector, .double((0..<1024).map { Double($0) / 3 }))
    let outputs = try executable.run("scale", ["x": thirds])
    #expect(outputs["y"]?.floats[10] == 2 * Float(10.0 / 3) + 10.0 / 8)
  }

  @Test func portsMoveElementsWithoutNames() throws {
    let executable = try Executable(SampleFamily.family(), threads: 2)
    let program = try executable.programIndex(named: "scale")
    let x = try executable.input("x", of: program)
    let y = try executable.output("y", of: program)
    try executable.write(Self.ramp, to: x)
    try executable.run(program)
    var once = [Float](repeating: 0, count: 1024)
    try once.withUnsafeMutableBufferPointer { try executable.read(y, into: $0) }
    #expect(once[3] == 2 * Self.ramp[3] + 3 / 8)

    try executable.copy(y, to: x)
    try executable.run(program)
    #expect(try executable.floats(of: y)[3] == 2 * once[3] + 3 / 8)
    #expect(try executable.read(y) == HostTensor([1024], executable.floats(of: y)))
  }

  @Test("A bad index throws and names the node", arguments: [1, 2])
  func badIndex(threads: Int) throws {
    let executable = try Executable(SampleFamily.family(), threads: threads)
    var indices: [Int64] = (0..<100).map { $0 * 10 }
    let x = HostTensor([1024], Self.ramp)
    for bad: Int64 in [1024, -1, .max, .min] {
      indices[57] = bad
      let error = ExecutionError.indexOutOfRange(program: "gather", step: 0, summary: "gather", node: "/pick/Gather")
      #expect(throws: error) { try executable.run("gather", ["x": x, "index": HostTensor([100], indices)]) }
      #expect("\(error)".contains("'/pick/Gather'") && "\(error)".contains("step 0 (gather"))
    }
    indices[57] = 1023
    #expect(try executable.run("gather", ["x": x, "index": HostTensor([100], indices)])["y"]?.floats[57] == 523)
  }

  @Test func wrongNamesAndTypesAreRefusedBeforeRunning() throws {
    let executable = try Executable(SampleFamily.family(), threads: 1)
    let x = HostTensor([1024], Self.ramp)
    let short = HostTensor([4], [1, 2, 3, 4] as [Float])
    #expect(throws: ExecutionError.unknownProgram(name: "step", known: ["scale", "gather", "mix", "convert"])) {
      try executable.run("step", [:])
    }
    #expect(throws: ExecutionError.missingInput(name: "x", program: "scale", expected: x.type)) {
      try executable.run("scale", [:])
    }
    #expect(throws: ExecutionError.unknownInput(name: "image", program: "scale", known: ["x"])) {
      try executable.run("scale", ["x": x, "image": x])
    }
    let mismatch = ExecutionError.wrongType(port: "x", expected: x.type, found: short.type)
    #expect(throws: mismatch) { try executable.run("scale", ["x": short]) }
    #expect("\(mismatch)" == "'x' is of type f32[1024], not f32[4]")
    let integers = HostTensor([1024], [Int64](repeating: 0, count: 1024))
    #expect(throws: ExecutionError.wrongType(port: "x", expected: x.type, found: integers.type)) {
      try executable.run("scale", ["x": integers])
    }
    let port = try executable.input("x", of: 0)
    #expect(throws: ExecutionError.wrongElementCount(port: "x", expected: x.type, found: 2)) {
      try executable.write([1, 2] as [Float], to: port)
    }
    #expect(throws: ExecutionError.unknownOutput(name: "z", program: "scale", known: ["y"])) {
      try executable.output("z", of: 0)
    }
    let far = Port(name: "far", type: x.type, offset: 1 << 20)
    #expect(throws: ExecutionError.foreignPort(name: "far")) { try executable.read(far) }
  }

  @Test func anIntegerThatDoesNotFitIsNamed() throws {
    let executable = try Executable(SampleFamily.family([SampleFamily.convert]), threads: 1)
    let port = try executable.input("i32", of: 0)
    let tensor = HostTensor(port.type, .integer([0, 1, 2, 3, 4, 1 << 31]))
    #expect(throws: ExecutionError.integerOutOfRange(port: "i32", expected: port.type, value: 1 << 31)) {
      try executable.write(tensor, to: port)
    }
  }

  @Test func damagedFamiliesAreRefused() throws {
    func executable(_ program: Program) throws -> Executable {
      try Executable(SampleFamily.family([program]), threads: 1)
    }
    func program(_ step: Step, outputOffset: Int = 0) -> Program {
      Program(
        name: "p", inputs: [], outputs: [Port(name: "y", type: TensorType(.float32, [4]), offset: outputOffset)],
        steps: [step], arenaByteCount: 64)
    }
    #expect(throws: ExecutionError.missingKernel(kernel: 9, program: "p", step: 0)) {
      try executable(program(SampleFamily.step(9, [], tasks: 1, "nothing")))
    }
    for address: Address in [.arena(-64), .arena(128), .arena(4), .constants(1 << 20)] {
      #expect(throws: ExecutionError.self) { try executable(program(SampleFamily.step(0, [address], tasks: 1, "bad"))) }
    }
    for offset in [-64, 8, 64] {
      #expect(throws: ExecutionError.self) { try executable(Program(
        name: "p", inputs: [], outputs: [Port(name: "y", type: TensorType(.float32, [4]), offset: offset)], steps: [],
        arenaByteCount: 64)) }
    }
    let garbage = ProgramFamily(programs: [], code: [1, 2, 3], constants: [])
    let error = #expect(throws: ExecutionError.self) { try Executable(garbage, threads: 1) }
    guard case .loadFailed? = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
  }

  @Test func severalFamiliesAreLoadedAtOnce() throws {
    let first = try Executable(SampleFamily.family(), threads: 1)
    var other = try SampleFamily.family([SampleFamily.scale])
    other = ProgramFamily(
      programs: other.programs, code: other.code, constants: [UInt8](repeating: 0, count: other.constants.count))
    let second = try Executable(other, pool: first.pool)
    let x = HostTensor([1024], Self.ramp)
    #expect(try first.run("scale", ["x": x])["y"]?.floats[80] == 2 * Self.ramp[80] + 10)
    #expect(try second.run("scale", ["x": x])["y"]?.floats[80] == 2 * Self.ramp[80])
  }

  @Test func aRunLeavesTheCallersFloatingPointControlAlone() throws {
    let executable = try Executable(SampleFamily.family(), threads: 2)
    let before: UInt64 = platform_float_control()
    let tiny = [Float](repeating: .leastNonzeroMagnitude, count: 1024)
    let outputs = try executable.run("mix", ["x": HostTensor([1024], tiny)])
    #expect(outputs["y"]?.floats.allSatisfy { $0 == 0 } == true)
    #expect(platform_float_control() == before)
  }

  @Test func aProfileTimesEveryStep() throws {
    let executable = try Executable(SampleFamily.family(), threads: 2)
    let timings = try executable.profile("mix", inputs: ["x": HostTensor([1024], Self.ramp)], repetitions: 3)
    #expect(timings.map(\.step.summary) == SampleFamily.mix.steps.map(\.summary))
    #expect(timings.allSatisfy { $0.seconds > 0 })
    #expect(throws: ExecutionError.self) { try executable.profile("mix", inputs: [:], repetitions: 1) }
  }
}
