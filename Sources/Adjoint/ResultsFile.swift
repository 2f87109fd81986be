import Files
import FoundationEssentials

/// results.jsonl: one record or failure a line, to which each batch adds its own. Of several lines about one image the last
/// counts.
struct ResultsFile {
  let path: String
  private var rows: [ResultsRow] = []
  private var positions: [String: Int] = [:]
  /// Whether the file holds lines that no longer count.
  private var hasOutdatedLines = false

  /// Reads what is there. The beginning of a line, which a process left that ended while it wrote, is taken away.
  /// - Throws: `FileError` when a line is no record of this program: nothing is overwritten that it did not write.
  init(_ path: String) throws {
    self.path = path
    guard fileExists(path) else { return }
    let bytes = try readBytes(path)
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      do {
        note(try JSONDecoder().decode(ResultsRow.self, from: Data(line)))
        if index == lines.count - 1 { hasOutdatedLines = true }
      } catch {
        guard index == lines.count - 1, line.starts(with: Array("{\"".utf8)) else {
          throw FileError(
            "line \(index + 1) of '\(path)' is no result of this version of adjoint; "
              + "move the file away or choose another directory with -o"
          )
        }
        hasOutdatedLines = true
      }
    }
    try tidy()
  }

  func record(of image: String) -> AttackRecord? {
    if let position = positions[image], case .record(let record) = rows[position] { record } else { nil }
  }

  /// Adds rows at the end of the file; those of the same images no longer count.
  /// Cost: of writing these rows alone.
  mutating func add(_ new: [ResultsRow]) throws {
    var text = ""
    for row in new {
      let line = try jsonLine(row)
      if let position = positions[row.image], try jsonLine(rows[position]) == line { continue }
      text += line + "\n"
      note(row)
    }
    if !text.isEmpty { try appendText(text, to: path) }
  }

  private mutating func note(_ row: ResultsRow) {
    if let position = positions[row.image] {
      rows[position] = row
      hasOutdatedLines = true
    } else {
      positions[row.image] = rows.count
      rows.append(row)
    }
  }

  /// Leaves one line for each image, where its first one stood.
  mutating func tidy() throws {
    guard hasOutdatedLines else { return }
    var text = ""
    for row in rows { text += try jsonLine(row) + "\n" }
    try AtomicFile.write(text, to: path)
    hasOutdatedLines = false
  }
}

/// A value as JSON on one line, members in alphabetical order.
public func jsonLine(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
