import Adjoint
import Images

/// What an experiment shows that draws nothing of its own: a picture of each of the first photos, with a row for each of its
/// runs: the attacked PNG, and the maps that are compared.
enum RunPanels {
  static func pictures(of experiment: any Experiment, _ context: ExperimentContext) throws -> [ExperimentPicture] {
    let finished = experiment.runs.compactMap { context.state($0).finished }
    return try (finished.first?.records ?? []).prefix(MapPanels.largestCount).map { record in
      let photo = Panel("Photo", try finished[0].photo(of: record.image), captions: [record.labelName])
      let rows = try finished.compactMap { run in
        try run.record(of: record.image).map { try row($0, run, context.name(of: run.run.network)) }
      }
      return ExperimentPicture(
        "\(experiment.id).\(record.image)",
        try MapPanels.rendered("\(record.labelName) -> \(record.targetName): each row an attack", [photo], rows))
    }
  }

  private static func row(_ record: AttackRecord, _ run: FinishedRun, _ network: String) throws -> PanelRow {
    let photo = try run.photo(of: record.image)
    func panel(_ title: String, _ array: String, captions: [String]) throws -> Panel {
      try run.panel(title, array, record.image, on: photo, captions: captions)
    }
    var row = [
      // With spaces, at which titles are broken.
      Panel(
        String(run.run.name.map { ".-".contains($0) ? " " : $0 }), try Image(contentsOf: run.png(of: record.image)),
        captions: [network]),
      try panel("Benign map", "mapBenign", captions: ["for \(record.labelName)"]),
    ]
    if record.float.toTarget != nil {
      let source = record.targetMapImage.map { ["of \($0)"] } ?? []
      row.append(try panel("Target map", "mapTarget", captions: source))
    }
    return row + [try panel("Map under attack", "mapAdversarial", captions: record.captions)]
  }
}
