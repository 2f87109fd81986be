import Adjoint
import Images
import TensorTypes

/// Figures 4, 9, 17 and 19: sample photos with their maps, unchanged, under an attack on the label alone, and under ADV².
struct KeptMaps: Experiment {
  private let pair: AttackPair
  private let network: ExperimentRun.Network

  init(_ pair: AttackPair, on network: ExperimentRun.Network) { (self.pair, self.network) = (pair, network) }

  private var number: Int {
    switch (pair, network) {
    case (.pixels, .first): 4
    case (.pixels, .second): 17
    case (.flows, .first): 9
    case (.flows, .second): 19
    }
  }

  var id: String { "f\(number)" }
  var title: String { "maps of photos unchanged, under \(pair.plainTitle) and under \(pair.keepingTitle)" }
  var reference: String {
    "figure \(number): maps under \(pair.keepingTitle) look like the benign ones, those under \(pair.plainTitle) do not"
  }
  var isOfSecondNetwork: Bool { network == .second }
  var runs: [ExperimentRun] { pair.allRuns(on: [network]) }

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    var table = ExperimentTable(
      id, columns: ["photo", "map", "L1 under \(pair.plainTitle)", "L1 under \(pair.keepingTitle)"])
    var outcome = ExperimentOutcome(tables: [])
    let finished = PaperInterpreter.allCases.compactMap { interpreter in
      let state = context.states(pair, interpreter, on: network)
      return state.plain.finished.flatMap { plain in
        state.keeping.finished.map { (interpreter: interpreter, plain: plain, keeping: $0) }
      }
    }
    for image in (finished.first?.keeping.records ?? []).map(\.image) {
      var rows: [PanelRow] = []
      for (interpreter, plain, keeping) in finished {
        guard let below = plain.record(of: image), let above = keeping.record(of: image) else { continue }
        table.add([.init(image), .init(interpreter.title), .init(below.float.mapL1), .init(above.float.mapL1)])
        guard outcome.pictures.count < MapPanels.largestCount else { continue }
        let photo = try plain.photo(of: image)
        rows.append([
          try plain.panel(interpreter.title, "mapBenign", image, on: photo, captions: ["for \(below.labelName)"]),
          try plain.panel(
            "\(interpreter.title) under \(pair.plainTitle)", "mapAdversarial", image, on: photo,
            captions: below.captions),
          try keeping.panel(
            "\(interpreter.title) under \(pair.keepingTitle)", "mapAdversarial", image, on: photo,
            captions: above.captions),
        ])
      }
      guard let record = finished.first?.keeping.record(of: image), let first = finished.first, !rows.isEmpty else {
        continue
      }
      let photos = [
        Panel("Photo", try first.plain.photo(of: image), captions: [record.labelName] + context.missing(pair, on: network)),
        Panel("under \(pair.plainTitle)", try Image(contentsOf: first.plain.png(of: image))),
        Panel(
          "under \(pair.keepingTitle) on \(first.interpreter.title)", try Image(contentsOf: first.keeping.png(of: image))),
      ]
      outcome.pictures.append(
        ExperimentPicture(
          "\(id).\(image)",
          try MapPanels.rendered("\(context.name(of: network)): \(record.labelName) -> \(record.targetName)", photos, rows)))
    }
    outcome.tables = [table]
    outcome.comparisons = PaperInterpreter.allCases.map { comparison($0, context) }
    return outcome
  }

  private func comparison(_ interpreter: PaperInterpreter, _ context: ExperimentContext) -> PaperComparison {
    let state = context.states(pair, interpreter, on: network)
    let pairs = (state.keeping.finished?.records ?? []).compactMap { record in
      state.plain.finished?.record(of: record.image).map { (record.float.mapL1, $0.float.mapL1) }
    }
    return .ofAll(
      context.subject(network, interpreter),
      "photos whose map is closer under \(pair.keepingTitle) than under \(pair.plainTitle)", pairs.count { $0.0 < $0.1 },
      of: pairs.count, missing: state.missing)
  }
}
