import Files
import Hashing

/// What the clean pass of an earlier call found, beside what it depends on: predictions.sha256 holds the hash of the model,
/// of how and by what it is run, of the files of all photos, and of predictions.csv.
struct KnownPredictions {
  private let table: String
  private let key: String
  private let facts: String

  /// - Parameter facts: what decides predictions beside the photos.
  init(_ data: EvaluationData, facts: String, output: OutputDirectory) {
    table = output.file("predictions.csv")
    key = output.file("predictions.sha256")
    var text = facts + "\n"
    for photo in data.photos {
      let hash = (try? readBytes(photo.path)).map { SHA256.hexDigest(of: $0) }
      text += "\(hash ?? "unreadable") \(photo.label) \(photo.file)\n"
    }
    self.facts = SHA256.hexDigest(of: Array(text.utf8))
  }

  private func digest(_ table: String) -> String { SHA256.hexDigest(of: Array((facts + "\n" + table).utf8)) + "\n" }

  /// The predictions for the same photos by the same model, if they are there and unchanged.
  func read(_ data: EvaluationData, _ labels: Labels) -> CleanPredictions? {
    guard let recorded = try? readBytes(key), let bytes = try? readBytes(table),
      let text = String(validating: bytes, as: UTF8.self), Array(digest(text).utf8) == recorded
    else { return nil }
    let predictions = CleanPredictions(table: text, data)
    return predictions?.table(labels) == text ? predictions : nil
  }

  func write(_ predictions: CleanPredictions, _ labels: Labels) throws {
    let text = predictions.table(labels)
    try AtomicFile.write(text, to: table)
    try AtomicFile.write(digest(text), to: key)
  }
}

extension CleanPredictions {
  /// What `table` has written; nil for any other text.
  fileprivate init?(table: String, _ data: EvaluationData) {
    let lines = table.split(separator: "\n")
    guard lines.count == data.photos.count + 1 else { return nil }
    var rows: [Row] = []
    for (photo, line) in zip(data.photos, lines.dropFirst()) {
      let fields = CommaSeparated.fields(String(line))
      guard fields.count == 9, fields[0] == photo.file else { return nil }
      if !fields[8].isEmpty {
        rows.append(Row(photo: photo, split: .dev, label: -1, probability: 0, error: fields[8]))
      } else if let label = Int(fields[3]), let probability = Double(fields[5]), let split = Split(rawValue: fields[7]) {
        rows.append(Row(photo: photo, split: split, label: label, probability: probability, error: nil))
      } else {
        return nil
      }
    }
    self.init(rows)
  }
}
