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
      guard let matrix = try sources.matrix(context, on: network) else {
        outcome.tables.append(sources.missingTable("t9.\(context.name(of: network))"))
        continue
      }
      outcome.tables += tables(matrix, sources, "t9.\(context.name(of: network))")
      outcome.comparisons += comparisons(matrix, sources, context.name(of: network), isFirst: network == .first)
      for other in context.networks where other != network {
        let name = "t9.\(context.name(of: network)).on.\(context.name(of: other))"
        guard try context.classifier(of: network).interface.labels == context.classifier(of: other).interface.labels else {
          var table = ExperimentTable(name, columns: ["attack on", "figures"])
          table.add([.init("all"), .init("the networks have other classes")])
          outcome.tables.append(table)
          continue
        }
        guard let across = try sources.matrix(context, on: other) else { continue }
        outcome.tables += tables(across, sources, name) + [predictions(across, name + ".predictions")]
      }
    }
    return outcome
  }

  private func tables(_ matrix: TransferMatrix, _ sources: TransferSources, _ name: String) -> [ExperimentTable] {
    func table(
      _ suffix: String, _ cell: (TransferMatrix.Entry, Int) -> ExperimentTable.Cell
    ) -> ExperimentTable {
      var table = ExperimentTable(name + suffix, columns: ["attack on"] + PaperInterpreter.allCases.map(\.title))
      func add(_ title: String, _ row: [TransferMatrix.Entry]) {
        table.add(
          [.init(title)]
            + PaperInterpreter.allCases.map { interpreter in
              matrix.position(of: interpreter).map { cell(row[$0], $0) }
                ?? .init(interpreter == .rts ? "needs weights" : "not run")
            })
      }
      for (source, row) in zip(matrix.sources, matrix.entries) { add(source.title, row) }
      for missing in sources.missing { table.add([.init(missing.title), .init(missing.reason)]) }
      add("none: map of the target", matrix.unchanged)
      return table
    }
    var result = [table(".l1") { entry, _ in .init(entry.l1) }, table(".spearman") { entry, _ in .init(entry.spearman, 2) }]
    if let plain = matrix.sources.firstIndex(where: { $0.interpreter == nil }) {
      result.append(
        table(".l1-over-pgd") { entry, column in
          let below = matrix.entries[plain][column].l1
          return .init(below > 0 ? entry.l1 / below : nil, 2)
        })
    }
    return result
  }

  /// What another network makes of the attacked photos.
  private func predictions(_ matrix: TransferMatrix, _ name: String) -> ExperimentTable {
    var table = ExperimentTable(
      name, columns: ["attack on", "seen as the target", "seen as the label", "mean p of the target"])
    let rows = zip(matrix.sources.map(\.title), matrix.entries) + [("none", matrix.unchanged)]
    for (title, row) in rows {
      guard let entry = row.first else { continue }
      table.add([
        .init(title), .init(Share(entry.asTarget, of: entry.images)), .init(Share(entry.asLabel, of: entry.images)),
        .init(entry.targetProbability),
      ])
    }
    return table
  }

  private func comparisons(
    _ matrix: TransferMatrix, _ sources: TransferSources, _ network: String, isFirst: Bool
  ) -> [PaperComparison] {
    let measured = matrix.sources.enumerated().compactMap { index, source -> PaperComparison? in
      guard let interpreter = source.interpreter else { return nil }
      let diagonal = matrix.diagonal(of: index)
      let paper = Self.paper[interpreter].flatMap { row -> Double? in
        let others = PaperInterpreter.allCases.filter { $0 != interpreter }.compactMap { row[$0] }
        guard let own = row[interpreter], let smallest = others.min() else { return nil }
        return own / smallest
      }
      return PaperComparison(
        "\(network), attack on \(source.title)", "L1 at its own interpreter / smallest at the others",
        paper: isFirst ? paper : nil, here: diagonal.map { $0.own / $0.smallestOther }, missing: "no other interpreter",
        .atMost(1))
    }
    return measured
      + sources.missing.map {
        PaperComparison(
          "\(network), attack on \($0.title)", "L1 at its own interpreter / smallest at the others", paper: nil, here: nil,
          missing: $0.reason, .atMost(1))
      }
  }
}

/// The attacks of a network whose transfer is measured.
struct TransferSources {
  let sources: [TransferMatrix.Source]
  let missing: [(title: String, reason: String)]
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
    var missing: [(title: String, reason: String)] = []
    for interpreter in PaperInterpreter.allCases + [nil] {
      let title = interpreter?.title ?? "none (PGD)"
      switch context.state(Self.run(interpreter, network)) {
      case .finished(let run): sources.append(.init(title: title, interpreter: interpreter, run: run))
      case .missing(let reason): missing.append((title, reason))
      }
    }
    (self.sources, self.missing) = (sources, missing)
  }

  /// The sources measured by the interpreters of a network; nil without any source.
  func matrix(
    _ context: ExperimentContext, on network: ExperimentRun.Network, limit: Int? = nil,
    drawn: (TransferMatrix.Picture) throws -> Void = { _ in }
  ) throws -> TransferMatrix? {
    guard !sources.isEmpty else { return nil }
    let options = context.options
    let columns = try PaperInterpreter.available.filter(options.interpreters.contains).map { interpreter in
      TransferMatrix.Column(
        interpreter: interpreter,
        reader: try MapReader(
          try context.programs(of: network, .map, InterpreterChoice(interpreter.rawValue)),
          threads: options.execution.threads, seed: options.numbers.seed))
    }
    return try TransferMatrix(sources, columns, limit: limit, drawn: drawn)
  }

  func missingTable(_ name: String) -> ExperimentTable {
    var table = ExperimentTable(name, columns: ["attack on", "figures"])
    for source in missing { table.add([.init(source.title), .init(source.reason)]) }
    return table
  }
}
