import Attacks
import Files
import Hashing

/// What the model sees in unchanged photos.
public struct CleanPredictions: Sendable {
  public struct Row: Sendable {
    public let photo: EvaluationData.Photo
    public let split: Split
    public let label: Int
    public let probability: Double
    /// Why there is no prediction.
    public let error: String?

    public var isCorrect: Bool { error == nil && label == photo.label }
  }

  public let rows: [Row]

  init(_ rows: [Row]) { self.rows = rows }

  /// Photos that cannot be read get a row that says why.
  /// - Parameters:
  ///   - watch: what names the node at fault for numbers that are not finite.
  ///   - progress: called with the number of photos done.
  init(
    _ data: EvaluationData, _ model: ClassifierInterface, _ measurer: any MapMeasurer, _ watch: WatchedRunner,
    progress: (Int) throws -> Void
  ) throws {
    var rows: [Row] = []
    for first in stride(from: 0, to: data.photos.count, by: model.batch) {
      try progress(first)
      let part = data.photos.dropFirst(first).prefix(model.batch)
      var read: [(photo: EvaluationData.Photo, hash: String, levels: [UInt8])] = []
      var failed: [Row] = []
      for photo in part {
        do {
          let hash = SHA256.hexDigest(of: try readBytes(photo.path))
          read.append((photo, hash, model.levels(try model.photo(at: photo.path))))
        } catch {
          failed.append(Row(photo: photo, split: .dev, label: -1, probability: 0, error: "\(error)"))
        }
      }
      let predictions = try Self.predictions(read.map(\.levels), model, measurer, watch)
      let known =
        zip(read, predictions).map { read, prediction in
          Row(
            photo: read.photo, split: Split(sha256: read.hash), label: prediction.label, probability: prediction.probability,
            error: prediction.error)
        } + failed
      for photo in part { rows += known.filter { $0.photo == photo }.prefix(1) }
    }
    self.rows = rows
  }

  private typealias Prediction = (label: Int, probability: Double, error: String?)

  /// Where a batch fails, each of its photos is tried alone.
  private static func predictions(
    _ levels: [[UInt8]], _ model: ClassifierInterface, _ measurer: any MapMeasurer, _ watch: WatchedRunner
  ) throws -> [Prediction] {
    guard let last = levels.last else { return [] }
    let padded = levels + Array(repeating: last, count: model.batch - levels.count)
    do {
      let all = try measurer.probabilities(pixels(padded.flatMap(\.self)), shape: model.imageShape)
      return zip(levels, all).map { _, probabilities in
        let label = probabilities.indices.max { (probabilities[$0], $1) < (probabilities[$1], $0) } ?? 0
        return (label, Double(probabilities[label]), nil)
      }
    } catch let error as AttackError {
      if levels.count == 1 { return [(-1, 0, "\(watch.naming(error))")] }
      return try levels.flatMap { try predictions([$0], model, measurer, watch) }
    }
  }

  public var readable: Int { rows.count { $0.error == nil } }
  /// Of the photos that could be read.
  public var accuracy: Share { Share(rows.count(where: \.isCorrect), of: readable) }

  /// A line for each photo.
  func table(_ labels: Labels) -> String {
    var text = CommaSeparated.line([
      "file", "class", "className", "label", "labelName", "probability", "correct", "split", "error",
    ])
    for row in rows {
      let own = ["\(row.photo.label)", labels.name(row.photo.label)]
      let seen =
        row.error == nil
        ? ["\(row.label)", labels.name(row.label), "\(row.probability)", "\(row.isCorrect)", row.split.rawValue]
        : ["", "", "", "", ""]
      text += CommaSeparated.line([row.photo.file] + own + seen + [row.error ?? ""])
    }
    return text
  }
}
