import Adjoint
import Images

/// Figures 11, 12 and 21: sample photos with the maps that ADV² goes for, and what it comes to.
struct TargetMaps: Experiment {
  private let target: ForeignTarget
  private let network: ExperimentRun.Network

  init(_ target: ForeignTarget, on network: ExperimentRun.Network) { (self.target, self.network) = (target, network) }

  private var number: Int { target == .patch ? 11 : network == .first ? 12 : 21 }
  var id: String { "f\(number)" }
  var title: String { "maps of photos under ADV² that goes for \(target.title)" }
  var reference: String { "figure \(number): maps under ADV² look like those that it goes for" }
  var isOfSecondNetwork: Bool { network == .second }
  var runs: [ExperimentRun] { target.allRuns(on: network) }

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    var table = ExperimentTable(id, columns: ["photo", "map", "target's photo", "L1 to the benign map", "L1 to the target"])
    var outcome = ExperimentOutcome(tables: [])
    let finished = PaperInterpreter.allCases.compactMap { interpreter in
      context.state(target, interpreter, on: network).finished.map { (interpreter: interpreter, run: $0) }
    }
    let missing = PaperInterpreter.allCases.compactMap { interpreter in
      context.state(target, interpreter, on: network).missing.map { "\(interpreter.title): \($0)" }
    }
    for image in (finished.first?.run.records ?? []).map(\.image) {
      var rows: [PanelRow] = []
      var photos: [Panel] = []
      for (interpreter, run) in finished {
        guard let record = run.record(of: image), let toTarget = record.float.toTarget else { continue }
        let photo = try run.photo(of: image)
        let other = record.targetMapImage.flatMap(run.record)
        table.add([
          .init(image), .init(interpreter.title), .init(record.targetMapImage ?? "-"), .init(record.float.mapL1),
          .init(toTarget.l1),
        ])
        guard outcome.pictures.count < MapPanels.largestCount else { continue }
        if photos.isEmpty {
          photos = [Panel("Photo", photo, captions: [record.labelName] + missing)]
          if let other {
            photos.append(Panel("Photo of the target map", try run.photo(of: other.image), captions: [other.labelName]))
          }
          photos.append(Panel("under ADV² on \(interpreter.title)", try Image(contentsOf: run.png(of: image))))
        }
        rows.append([
          try run.panel(interpreter.title, "mapBenign", image, on: photo, captions: ["for \(record.labelName)"]),
          try run.panel(
            "Target", "mapTarget", image, on: try other.map { try run.photo(of: $0.image) } ?? photo,
            captions: other.map { ["for \($0.labelName)"] } ?? []),
          try run.panel(
            "\(interpreter.title) under ADV²", "mapAdversarial", image, on: photo,
            captions: record.captions + ["to target \(fixed(toTarget.l1, 3))"]),
        ])
      }
      guard let record = finished.first?.run.record(of: image), !rows.isEmpty else { continue }
      outcome.pictures.append(
        ExperimentPicture(
          "\(id).\(image)",
          try MapPanels.rendered("\(context.name(of: network)): \(record.labelName) -> \(record.targetName)", photos, rows)))
    }
    outcome.tables = [table]
    outcome.comparisons = PaperInterpreter.allCases.map { interpreter in
      let state = context.state(target, interpreter, on: network)
      let distances = (state.finished?.records ?? []).compactMap { record in
        record.float.toTarget.map { ($0.l1, record.float.mapL1) }
      }
      return .ofAll(
        context.subject(network, interpreter), "photos whose map is closer to the target than to the benign map",
        distances.count { $0.0 < $0.1 }, of: distances.count, missing: state.missing)
    }
    return outcome
  }
}
