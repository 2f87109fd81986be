import Adjoint
import Attacks

/// Table 9: what attacks on one interpreter do to the maps of the others, and, where there are two networks, to those of the
/// other network.
struct InterpreterTransfer: Experiment {
  let id = "t9"
  let title = "map distance of attacks on one interpreter, measured by the others"
  let reference =
    "table 9, ResNet-50: the diagonal is its row's minimum: GRAD .04 of .04, .24, .22, .24; CAM .05 of .09, .05, .18, .13"

  static let paper: [PaperInterpreter?: PaperRow] = [
    .grad: PaperRow(grad: 0.04, cam: 0.24, mask: 0.22, rts: 0.24),
    .cam: PaperRow(grad: 0.09, cam: 0.05, mask: 0.18, rts: 0.13),
    .mask: PaperRow(grad: 0.12, cam: 0.34, mask: 0.09, rts: 0.74),
    .rts: PaperRow(grad: 0.10, cam: 0.17, mask: 0.20, rts: 0.01),
    nil: PaperRow(grad: 0.10, cam: 0.22, mask: 0.28, rts: 0.22),
  ]

  var runs: [ExperimentRun] { ExperimentRun.Network.allCases.flatMap(TransferSources.runs) }

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    var outcome = ExperimentOutcome(tables: [])
    for network in context.networks {
      let sources = TransferSources(context, network)
      let matrix = try sources.matrix(context, on: network)
      let own = context.name(of: network)
      outcome.comparisons += sources.comparisons(matrix, own) { Self.ratio(of: $0, on: network) }
      guard let matrix else {
        outcome.tables.append(sources.missingTable("t9.\(own)"))
        continue
      }
      outcome.tables += tables(matrix, sources, "t9.\(own)", "attacks on \(own)")
      for other in context.networks where other != network {
        let name = "t9.\(own).on.\(context.name(of: other))"
        let title = "attacks on \(own), seen by \(context.name(of: other))"
        guard try context.classifier(of: network).interface.labels == context.classifier(of: other).interface.labels else {
          var table = ExperimentTable(name, title, columns: ["attack on", "figures"])
          table.add([.init("all"), .init("the networks have other classes")])
          outcome.tables.append(table)
          continue
        }
        guard let across = try sources.matrix(context, on: other) else { continue }
        outcome.tables +=
          tables(across, sources, name, title) + [predictions(across, name + ".predictions", title + ": predictions")]
      }
    }
    return outcome
  }

  private func tables(_ matrix: TransferMatrix, _ sources: TransferSources, _ name: String, _ title: String)
    -> [ExperimentTable]
  {
    func table(
      _ suffix: String, _ words: String, _ cell: (TransferMatrix.Entry, Int) -> ExperimentTable.Cell
    ) -> ExperimentTable {
      var table = ExperimentTable(
        name + suffix, "\(title): \(words)", columns: ["attack on"] + PaperInterpreter.allCases.map(\.title))
      func add(_ title: String, _ row: [TransferMatrix.Entry]) {
        table.add(
          [.init(title)]
            + PaperInterpreter.allCases.map { interpreter in
              matrix.position(of: interpreter).map { cell(row[$0], $0) }
                ?? .init(sources.missing.first { $0.interpreter == interpreter }?.reason ?? "not run")
            })
      }
      for (source, row) in zip(matrix.sources, matrix.entries) { add(source.title, row) }
      for missing in sources.missing {
        table.add([.init(TransferMatrix.title(missing.interpreter)), .init(missing.reason)])
      }
      add("the photo's map of the target", matrix.unchanged)
      return table
    }
    var result = [
      table(".l1", "L1 to the map of the photo") { entry, _ in .init(entry.l1) },
      table(".spearman", "rank correlation with the map of the photo") { entry, _ in .init(entry.spearman, 2) },
    ]
    if let plain = matrix.sources.firstIndex(where: { $0.interpreter == nil }) {
      result.append(
        table(".l1-over-pgd", "L1 over that under PGD") { entry, column in
          let below = matrix.entries[plain][column].l1
          return .init(below > 0 ? entry.l1 / below : nil, 2)
        })
    }
    return result
  }

  /// What another network makes of the attacked photos.
  private func predictions(_ matrix: TransferMatrix, _ name: String, _ title: String) -> ExperimentTable {
    var table = ExperimentTable(
      name, title, columns: ["attack on", "seen as the target", "seen as the label", "mean p of the target"])
    let rows = zip(matrix.sources.map(\.title), matrix.entries) + [("none: the photo", matrix.unchanged)]
    for (title, row) in rows {
      guard let entry = row.first else { continue }
      table.add([
        .init(title), .init(Share(entry.asTarget, of: entry.images)), .init(Share(entry.asLabel, of: entry.images)),
        .init(entry.targetProbability),
      ])
    }
    return table
  }

  /// Of the paper's distances on its first network: that at the attacked interpreter over the smallest at the others.
  private static func ratio(of interpreter: PaperInterpreter, on network: ExperimentRun.Network) -> String {
    guard network == .first, let row = paper[interpreter], let own = row[interpreter] else { return "none" }
    let others = PaperInterpreter.allCases.filter { $0 != interpreter }.compactMap { row[$0] }
    return others.min().map { fixed(own / $0, 2) } ?? "none"
  }
}

/// The attacks of a network whose transfer is measured.
struct TransferSources {
  let sources: [TransferMatrix.Source]
  let missing: [(interpreter: PaperInterpreter?, reason: String)]
  private let network: ExperimentRun.Network

  private static func run(_ interpreter: PaperInterpreter?, _ network: ExperimentRun.Network) -> ExperimentRun {
    interpreter.map { ExperimentRun(.adv2, $0.rawValue, on: network) } ?? ExperimentRun(.pgd, "cam", on: network)
  }

  static func runs(on network: ExperimentRun.Network) -> [ExperimentRun] {
    (PaperInterpreter.allCases + [nil]).map { run($0, network) }
  }

  init(_ context: ExperimentContext, _ network: ExperimentRun.Network) {
    self.network = network
    var sources: [TransferMatrix.Source] = []
    var missing: [(interpreter: PaperInterpreter?, reason: String)] = []
    for interpreter in PaperInterpreter.allCases + [nil] {
      let state = context.state(Self.run(interpreter, network))
      if let run = state.finished { sources.append(.init(interpreter: interpreter, run: run)) }
      if let reason = state.missing { missing.append((interpreter, reason)) }
    }
    (self.sources, self.missing) = (sources, missing)
  }

  /// Those that were attacked, which are those that can draw a map.
  var interpreters: [PaperInterpreter] { sources.compactMap(\.interpreter) }

  /// The sources measured by their interpreters on a network; nil without any source.
  func matrix(
    _ context: ExperimentContext, on network: ExperimentRun.Network, limit: Int? = nil,
    drawn: (TransferMatrix.Picture) throws -> Void = { _ in }
  ) throws -> TransferMatrix? {
    guard !sources.isEmpty else { return nil }
    let options = context.options
    let columns = try interpreters.map { interpreter in
      TransferMatrix.Column(
        interpreter: interpreter,
        reader: try MapReader(
          try context.programs(of: network, .map, options.numbers.choice(of: interpreter.rawValue)),
          threads: options.execution.threads, seed: options.numbers.seed))
    }
    return try TransferMatrix(sources, columns, limit: limit, drawn: drawn)
  }

  /// Whether maps of the attacked interpreter move least.
  /// - Parameters:
  ///   - matrix: nil without any source.
  ///   - paper: what the paper has of an interpreter.
  func comparisons(
    _ matrix: TransferMatrix?, _ network: String, paper: (PaperInterpreter) -> String
  ) -> [PaperComparison] {
    PaperInterpreter.allCases.map { interpreter in
      let measured = matrix?.sources.firstIndex { $0.interpreter == interpreter }
      let diagonal = measured.flatMap { matrix?.diagonal(of: $0) }
      return PaperComparison(
        "\(network), attack on \(interpreter.title)", "L1 at its own interpreter / smallest at the others",
        paper: paper(interpreter), here: diagonal.map { $0.own / $0.smallestOther },
        missing: missing.first { $0.interpreter == interpreter }?.reason ?? "no other interpreter", .atMost(1))
    }
  }

  func missingTable(_ name: String) -> ExperimentTable {
    var table = ExperimentTable(name, columns: ["attack on", "figures"])
    for source in missing { table.add([.init(TransferMatrix.title(source.interpreter)), .init(source.reason)]) }
    return table
  }
}
