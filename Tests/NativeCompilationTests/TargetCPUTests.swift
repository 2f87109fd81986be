import NativeCompilation
import Testing

@Suite struct TargetCPUTests {
  @Test func withoutANameTheBestProcessorIsTaken() throws {
    #expect(try TargetCPU.resolve() == TargetCPU.best)
    #expect(TargetCPU.best.name != "native")
  }

  @Test func everyProcessorUpToTheBestResolvesByName() throws {
    for cpu in TargetCPU.all {
      #expect(try TargetCPU.resolve(named: cpu.name) == cpu)
      if cpu == TargetCPU.best { break }
    }
  }

  @Test func anUnknownNameIsRefusedWithTheAcceptedOnes() {
    let error = CompilationError.unknownCPU(name: "native", accepted: TargetCPU.all.map(\.name))
    #expect(throws: error) { try TargetCPU.resolve(named: "native") }
    for cpu in TargetCPU.all { #expect("\(error)".contains(cpu.name)) }
  }

  @Test func wideVectorsAreAskedForByFlag() {
    for cpu in TargetCPU.all {
      #expect(cpu.flags.contains("-march=\(cpu.name)"))
      #expect(cpu.flags.contains("-mprefer-vector-width=512") == (cpu.floatLaneCount == 16))
    }
  }

  @Test("clang and gcc accept the flags of every processor", arguments: ["clang", "gcc"], TargetCPU.all)
  func compilersAcceptTheFlags(compiler name: String, cpu: TargetCPU) throws {
    var environment: [String: String] = inheritedEnvironment
    environment["CC"] = name
    let compiler = try CCompiler.locate(environment: environment)
    let object = try compiler.compile(units: ["void kernel_0(char *const *o, long f, long e, int *x) {}"], for: cpu)
    #expect(object.starts(with: [0x7f] + Array("ELF".utf8)))
  }
}
