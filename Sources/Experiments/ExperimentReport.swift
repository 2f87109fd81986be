import Adjoint
import Files

/// What an experiment found, as it is written: a table in each CSV file, all of it in result.json and summary.txt, and its
/// pictures.
public struct ExperimentReport: Sendable {
  public let id: String
  public let outcome: ExperimentOutcome
  /// Why it is not whole: a sentence for each run that failed, and for what could not be read from the others.
  public let failures: [String]
  private let summary: Summary

  private struct Summary: Sendable, Encodable {
    let id: String
    let title: String
    let reference: String
    let networks: [Network]
    /// Nil where none are attacked.
    let photos: String?
    let numbers: RunNumbers
    let runs: [Run]
    let failures: [String]
    let tables: [ExperimentTable]
    let comparisons: [PaperComparison]
    let pictures: [String]
  }

  private struct Network: Sendable, Encodable {
    let name: String
    let sha256: String
  }

  private struct Run: Sendable, Encodable {
    let folder: String
    /// How many photos were attacked.
    let photos: Int?
    let missing: String?
    let settings: AttackRecord.Settings?
  }

  /// Reads the outcome of an experiment.
  init(_ experiment: any Experiment, _ context: ExperimentContext) {
    let options = context.options
    id = experiment.id
    var failures = experiment.runs.compactMap { run in
      context.state(run).failure.map { "\(options.key(of: run)) failed: \($0)" }
    }
    do {
      var outcome = try experiment.outcome(context)
      if outcome.pictures.isEmpty { outcome.pictures = try RunPanels.pictures(of: experiment, context) }
      self.outcome = outcome
    } catch {
      failures.append("\(error)")
      outcome = ExperimentOutcome(tables: [])
    }
    self.failures = failures
    let photos = [
      options.limit.map { "the first \($0)" } ?? "all", "that the network classifies correctly",
      options.split.map { "of \($0.rawValue)" },
    ].compactMap(\.self).joined(separator: " ")
    summary = Summary(
      id: id, title: experiment.title, reference: experiment.reference,
      networks: ExperimentRun.Network.allCases.filter { experiment.runs.map(\.network).contains($0) }
        .compactMap(options.model).map { Network(name: $0.name, sha256: $0.sha256) },
      photos: experiment.needsNetwork ? photos : nil, numbers: options.numbers,
      runs: experiment.runs.map { run in
        let state = context.state(run)
        return Run(
          folder: options.key(of: run), photos: state.finished?.records.count, missing: state.missing,
          settings: state.finished?.records.first?.settings)
      },
      failures: failures, tables: outcome.tables, comparisons: outcome.comparisons,
      pictures: outcome.pictures.map { $0.name + ".png" })
  }

  /// Title, tables, and a line for each number of the paper.
  public var text: String {
    let material = summary.photos.map { photos in
      ([summary.networks.map(\.name).joined(separator: ", "), photos] + summary.numbers.words).joined(separator: "; ")
    }
    let head =
      ["\(id): \(summary.title)", "paper: \(summary.reference)"] + [material].compactMap(\.self)
      + failures.map { "incomplete: \($0)" }
    let blocks = [head.joined(separator: "\n")] + outcome.tables.map(\.text)
    let lines = outcome.comparisons.map(\.text)
    return (lines.isEmpty ? blocks : blocks + [lines.joined(separator: "\n")]).joined(separator: "\n\n")
  }

  func write(to folder: OutputDirectory) throws {
    for table in outcome.tables { try AtomicFile.write(table.csv, to: folder.file(table.name + ".csv")) }
    for picture in outcome.pictures {
      try AtomicFile.write(try picture.image.encodedPNG(), to: folder.file(picture.name + ".png"))
    }
    try AtomicFile.write(try jsonLine(summary) + "\n", to: folder.file("result.json"))
    try AtomicFile.write(text + "\n", to: folder.file("summary.txt"))
  }
}
