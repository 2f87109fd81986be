import Adjoint
import ArgumentParser

/// Options in a file, a line each: `name = value`, with comments from ` #` to the end of a line. They stand before those of
/// the call, which therefore win.
enum ConfigurationFile {
  private static let flags = ["untargeted", "random-start", "early-stop", "compare"]
  private static let attackNames =
    [
      "attack", "interpreter", "mode", "norm", "eps", "alpha", "final-alpha", "steps", "warm", "stages",
      "coefficient", "confidence", "target-map", "restarts", "seed", "smoothness", "evade", "evasion", "evasion-weight",
      "detector", "label-smoothing", "reset-interval", "halvings",
    ] + ["memory"] + flags + interpreterNames
  private static let interpreterNames = InterpreterOptions().entries.map(\.name)

  /// What the files of a command may say; nil for one that takes none.
  private static func names(of command: String) -> [String]? {
    switch command {
    case "attack", "evaluate": attackNames
    case "experiment": ["interpreters", "mode", "steps", "warm", "eps", "seed", "rts-weights", "rts-input"]
    default: nil
    }
  }

  /// Lines of aligned columns; those whose names are no options become comments, and so do values that stand for an absent
  /// option.
  static func text(_ lines: [(name: String, value: String, source: String)]) -> String {
    let width = lines.map(\.name.count).max() ?? 0
    return lines.map { name, value, source in
      let padding = String(repeating: " ", count: width - name.count)
      let isOption = attackNames.contains(name) && !(interpreterNames.contains(name) && source == "default")
      return "\(isOption ? "" : "# ")\(name)\(padding) = \(value)  # \(source)\n"
    }.joined()
  }

  /// The arguments of a call with those of the file that its `--config` names in front of them.
  /// - Throws: `FileError`, `UsageError` for a line that is no option.
  static func expanded(_ arguments: [String]) throws -> [String] {
    guard let command = arguments.first, let names = names(of: command) else { return arguments }
    var path: String?
    for (index, argument) in arguments.enumerated() {
      if argument == "--config", index + 1 < arguments.count { path = arguments[index + 1] }
      if argument.hasPrefix("--config=") { path = String(argument.dropFirst("--config=".count)) }
    }
    guard let path else { return arguments }
    return [command] + (try options(of: path, names)) + arguments.dropFirst()
  }

  private static func options(of path: String, _ names: [String]) throws -> [String] {
    var given: Set<String> = []
    var options: [String] = []
    for (index, line) in try textLines(of: path).enumerated() {
      let text = (line.hasPrefix("#") ? "" : line.split(separator: " #", omittingEmptySubsequences: false).first ?? "")
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(trimmed)
      if parts == [""] || parts.isEmpty { continue }
      guard parts.count == 2, !parts[1].isEmpty else {
        throw UsageError("line \(index + 1) of '\(path)' is '\(line)'; name = value is expected")
      }
      guard names.contains(parts[0]) else {
        throw UsageError("'\(path)' sets \(parts[0]); known are \(names.joined(separator: ", "))")
      }
      guard given.insert(parts[0]).inserted else { throw UsageError("'\(path)' sets \(parts[0]) twice") }
      if !flags.contains(parts[0]) {
        options.append("--\(parts[0])=\(parts[1])")
      } else if parts[1] == "true" {
        options.append("--\(parts[0])")
      } else if parts[1] != "false" {
        throw UsageError("'\(path)' sets \(parts[0]) to \(parts[1]); true and false are accepted")
      }
    }
    return options
  }

  private static func trimmed(_ text: Substring) -> String {
    let words = text.drop { $0 == " " || $0 == "\t" }
    return String(words.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
