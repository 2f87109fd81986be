import Foundation
import NativeCompilation
import Testing

@Suite struct CCompilerTests {
  static func text(kernel number: Int) -> String {
    "void kernel_\(number)(char *const *operands, long first, long end, int *error) { operands[0][0] = \(number); }\n"
  }

  @Test func withoutACompilerTheErrorSaysWhatWasTried() {
    let error = CompilationError.noCompiler(tried: ["CC=/nowhere/cc", "clang on PATH", "gcc on PATH"])
    #expect(throws: error) { try CCompiler.locate(environment: ["CC": "/nowhere/cc", "PATH": ""]) }
    #expect("\(error)".contains("/nowhere/cc") && "\(error)".contains("clang"))
  }

  @Test func aCompilerThatDoesNotAnswerIsPassedOver() throws {
    var environment: [String: String] = inheritedEnvironment
    environment["CC"] = "/bin/false"
    #expect(try CCompiler.locate(environment: environment).path != "/bin/false")
  }

  @Test func theNamedCompilerComesFirstAndKeepsItsArguments() throws {
    try withTemporaryDirectory { directory in
      let real = try CCompiler.locate()
      // A link and no script: a file just written cannot be run while a process that another test starts has it open.
      let link = "\(directory)/my-cc"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: real.path)
      var environment: [String: String] = inheritedEnvironment
      environment["CC"] = "\(link) -DANSWER=42"
      let compiler = try CCompiler.locate(environment: environment)
      #expect(compiler.command == [link, "-DANSWER=42"])
      // The first line of some compilers begins with the name they were called by.
      func lines(_ version: String) -> [Substring] { Array(version.split(separator: "\n").dropFirst()) }
      #expect(lines(compiler.version) == lines(real.version))
      let object = try compiler.compile(units: ["int answer(void) { return ANSWER; }"], for: .best)
      #expect(!object.isEmpty)
    }
  }

  @Test func theCompilerBesideSwiftIsFoundBehindALink() throws {
    try withTemporaryDirectory { directory in
      let real = try CCompiler.locate()
      for folder in ["toolchain", "path"] {
        try FileManager.default.createDirectory(atPath: "\(directory)/\(folder)", withIntermediateDirectories: true)
      }
      let clang = "\(directory)/toolchain/clang"
      try FileManager.default.createSymbolicLink(atPath: clang, withDestinationPath: real.path)
      // The program behind `swift` has another name.
      try Data().write(to: URL(fileURLWithPath: "\(directory)/toolchain/swift-driver"))
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o700], ofItemAtPath: "\(directory)/toolchain/swift-driver")
      try FileManager.default.createSymbolicLink(
        atPath: "\(directory)/path/swift", withDestinationPath: "\(directory)/toolchain/swift-driver")
      let compiler = try CCompiler.locate(environment: ["PATH": "\(directory)/path", "HOME": directory])
      #expect(compiler.path.hasSuffix("/toolchain/clang"))
    }
  }

  @Test func severalUnitsBecomeOneObject() throws {
    let object = try CCompiler.locate().compile(units: (0..<5).map(Self.text), for: .best)
    for number in 0..<5 {
      #expect(object.firstRange(of: Array("kernel_\(number)\0".utf8)) != nil, "kernel_\(number)")
    }
  }

  @Test func theSameTextGivesTheSameBytes() throws {
    let compiler = try CCompiler.locate()
    let first = try compiler.compile(units: [Self.text(kernel: 0), Self.text(kernel: 1)], for: .best)
    let second = try compiler.compile(units: [Self.text(kernel: 0), Self.text(kernel: 1)], for: .best)
    #expect(first == second)
  }

  @Test func aCompileErrorCarriesTheCompilersWords() throws {
    let compiler = try CCompiler.locate()
    let error = try #require(throws: CompilationError.self) {
      try compiler.compile(units: [Self.text(kernel: 0), "int f(void) { return missing_name; }"], for: .best)
    }
    guard case .compilerFailed(compiler.path, "unit_1.c", "exit status 1", let lines) = error else {
      Issue.record("unexpected \(error)")
      return
    }
    let line = try #require(lines.first)
    #expect(line.hasPrefix("unit_1.c:1:") && line.contains("missing_name"))
    #expect("\(error)".contains(line))
  }

  @Test func nothingStaysInTheTemporaryDirectory() throws {
    try withTemporaryDirectory { directory in
      var environment: [String: String] = inheritedEnvironment
      environment["TMPDIR"] = directory
      let compiler = try CCompiler.locate(environment: environment)
      _ = try compiler.compile(units: [Self.text(kernel: 0)], for: .best)
      #expect(throws: CompilationError.self) { try compiler.compile(units: ["not C"], for: .best) }
      #expect(try entries(of: directory) == [])
    }
  }

  @Test func anUnusableTemporaryDirectoryIsNamed() throws {
    var environment: [String: String] = inheritedEnvironment
    let compiler = try CCompiler.locate(environment: environment)
    environment["TMPDIR"] = "/nowhere"
    #expect(throws: CompilationError.scratchFailed(path: "/nowhere", reason: "No such file or directory")) {
      try CCompiler.locate(environment: environment)
    }
    #expect(throws: CompilationError.scratchFailed(path: "/nowhere", reason: "No such file or directory")) {
      try CCompiler(command: compiler.command, version: compiler.version, environment: environment)
        .compile(units: [Self.text(kernel: 0)], for: .best)
    }
  }
}
