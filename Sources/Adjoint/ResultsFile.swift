import Files
import FoundationEssentials

/// results.jsonl: one record a line, rewritten whole after each batch.
struct ResultsFile {
  let path: String
  private var lines: [(image: String, record: AttackRecord)] = []

  /// Reads what is there.
  /// - Throws: `FileError` when a line is no record of this program: nothing is overwritten that it did not write.
  init(_ path: String) throws(FileError) {
    self.path = path
    guard fileExists(path) else { return }
    for (index, line) in try readLines(path).enumerated() where !line.isEmpty {
      do {
        let record = try JSONDecoder().decode(AttackRecord.self, from: Data(line.utf8))
        lines.append((record.image, record))
      } catch {
        throw FileError(
          "line \(index + 1) of '\(path)' is no result of this version of adjoint; "
            + "move the file away or choose another directory with -o"
        )
      }
    }
  }

  func record(of image: String) -> AttackRecord? { lines.first { $0.image == image }?.record }

  /// Adds the records, in place of earlier ones of the same images, and writes the file.
  mutating func add(_ records: [AttackRecord]) throws {
    for record in records {
      if let index = lines.firstIndex(where: { $0.image == record.image }) {
        lines[index].record = record
      } else {
        lines.append((record.image, record))
      }
    }
    var text = ""
    for line in lines { text += try jsonLine(line.record) + "\n" }
    try AtomicFile.write(text, to: path)
  }
}

/// A value as JSON on one line, members in alphabetical order.
public func jsonLine(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
