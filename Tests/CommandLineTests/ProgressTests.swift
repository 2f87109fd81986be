import Foundation
import Testing

@Suite struct ProgressTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func attack(_ steps: String) -> [String] {
    [
      "attack", Command.model, Command.bag, "--target", "Coat", "--attack", "pgd", "--steps", steps, "-o",
      folder.path("out"),
    ]
  }

  @Test func `progress stays silent when standard error is no terminal`() throws {
    let result = try Command.run(attack("6000"))
    #expect(result.status == 0 && result.error.isEmpty, "\(result)")
    #expect(result.output.split(separator: "\n").count == 1, "\(result)")
  }

  /// `script` runs a command in a pseudo-terminal.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs script of util-linux"))
  func `in a terminal a job of some seconds draws one line over itself, and clears it`() throws {
    let process = Command.process(attack("1000000"))
    let words = [try #require(process.executableURL?.path)] + (process.arguments ?? [])
    let typescript = folder.path("typescript")
    process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
    process.arguments = [
      "-qefc", "timeout -s INT 6 " + words.map { "'\($0)'" }.joined(separator: " "), typescript,
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let text = try String(contentsOfFile: typescript, encoding: .utf8)
    let drawings = text.components(separatedBy: "\r").filter { $0.hasPrefix("attacking [") }
    #expect(drawings.count > 1, "\(text)")
    for words in ["/1000000", " left", "\u{1b}[K"] {
      #expect(drawings.allSatisfy { $0.contains(words) }, "\(drawings)")
    }
    #expect(drawings.dropLast().allSatisfy { !$0.contains("\n") }, "\(drawings)")
  }
}
