import Files
import FoundationEssentials

/// results.jsonl: one record or failure a line, rewritten whole after each batch.
struct ResultsFile {
  let path: String
  private var lines: [ResultsRow] = []

  /// Reads what is there.
  /// - Throws: `FileError` when a line is no record of this program: nothing is overwritten that it did not write.
  init(_ path: String) throws(FileError) {
    self.path = path
    guard fileExists(path) else { return }
    for (index, line) in try readLines(path).enumerated() where !line.isEmpty {
      do {
        lines.append(try JSONDecoder().decode(ResultsRow.self, from: Data(line.utf8)))
      } catch {
        throw FileError(
          "line \(index + 1) of '\(path)' is no result of this version of adjoint; "
            + "move the file away or choose another directory with -o"
        )
      }
    }
  }

  func record(of image: String) -> AttackRecord? {
    if case .record(let record)? = lines.first(where: { $0.image == image }) { record } else { nil }
  }

  /// Adds rows, in place of earlier ones of the same images, and writes the file.
  mutating func add(_ rows: [ResultsRow]) throws {
    if rows.isEmpty { return }
    for row in rows {
      if let index = lines.firstIndex(where: { $0.image == row.image }) { lines[index] = row } else { lines.append(row) }
    }
    var text = ""
    for line in lines { text += try jsonLine(line) + "\n" }
    try AtomicFile.write(text, to: path)
  }
}

/// A value as JSON on one line, members in alphabetical order.
public func jsonLine(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
