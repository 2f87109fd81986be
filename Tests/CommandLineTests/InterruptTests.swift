import Foundation
import Testing

/// A C compiler that takes its time, found through `CC`.
@Suite struct InterruptTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for name in ["temporary", "cache"] {
      try FileManager.default.createDirectory(
        atPath: folder.path(name), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }
  }

  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
  func `an interrupt while compiling leaves no temporary files and no compiler`(signal: Int32, status: Int32) throws {
    // Answers --version, and otherwise leaves its number and sleeps.
    let script = try folder.write(
      """
      #!/bin/sh
      if [ "$1" = --version ]; then echo slow; exit 0; fi
      : > half.o
      echo $$ > '\(folder.path("number"))'
      exec sleep 600
      """.utf8, "slow-cc")
    let process = Command.process(
      ["bench", Command.model],
      environment: [
        "CC": "/bin/sh \(script)", "TMPDIR": folder.path("temporary"), "XDG_CACHE_HOME": folder.path("cache"),
      ])
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    while process.isRunning, folder.bytes("number")?.last != UInt8(ascii: "\n") { Thread.sleep(forTimeInterval: 0.02) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("temporary")).count == 1)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == status)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("temporary")).isEmpty)
    let words = String(decoding: try #require(folder.bytes("number")), as: UTF8.self)
    let compiler = try #require(pid_t(words.trimmingCharacters(in: .whitespacesAndNewlines)))
    for _ in 0..<500 where isRunning(compiler) { Thread.sleep(forTimeInterval: 0.01) }
    #expect(!isRunning(compiler))
  }

  /// A killed process may stay a moment until its parent, by now the system's first process, takes note.
  private func isRunning(_ process: pid_t) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
    return status.split(separator: ")").last?.split(separator: " ").first != "Z"
  }
}
