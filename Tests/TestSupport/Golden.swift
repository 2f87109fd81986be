import Foundation

/// A text that differs from the recorded one.
public struct GoldenMismatch: Error, CustomStringConvertible {
  public let description: String
}

/// Recorded texts under graphs/golden. A refactor changes none; a change of choice shows its difference in review.
///
/// With ADJOINT_RECORD_GOLDENS=1 in the environment a check writes its text and then fails, so that no run that records
/// passes.
public enum Golden {
  public static func check(_ text: String, _ name: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = root.appendingPathComponent("graphs/golden/\(name).ir")
    if ProcessInfo.processInfo.environment["ADJOINT_RECORD_GOLDENS"] == "1" {
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
      throw GoldenMismatch(description: "recorded graphs/golden/\(name).ir")
    }
    guard let recorded = try? String(contentsOf: file, encoding: .utf8) else {
      throw GoldenMismatch(description: "graphs/golden/\(name).ir is missing: record it with ADJOINT_RECORD_GOLDENS=1")
    }
    guard recorded != text else { return }
    let old = recorded.split(separator: "\n", omittingEmptySubsequences: false)
    let new = text.split(separator: "\n", omittingEmptySubsequences: false)
    let line = zip(old, new).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(old.count, new.count)
    throw GoldenMismatch(
      description: """
        graphs/golden/\(name).ir differs from line \(line + 1) on:
        - \(line < old.count ? old[line] : "")
        + \(line < new.count ? new[line] : "")
        """)
  }
}
