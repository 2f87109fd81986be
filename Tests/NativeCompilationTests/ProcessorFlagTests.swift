import NativeCompilation
import Programs
import Testing

@Suite struct ProcessorFlagTests {
  @Test("clang and gcc accept the flags of every processor", arguments: ["clang", "gcc"], TargetCPU.all)
  func compilersAcceptTheFlags(compiler name: String, cpu: TargetCPU) throws {
    var environment: [String: String] = inheritedEnvironment
    environment["CC"] = name
    let compiler = try CCompiler.locate(environment: environment)
    let object = try compiler.compile(units: ["void kernel_0(char *const *o, long f, long e, int *x) {}"], for: cpu)
    #expect(object.starts(with: [0x7f] + Array("ELF".utf8)))
  }
}
