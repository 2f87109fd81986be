import Attacks
import Images

/// Table 13 and figure 5: how far maps move under PGD and ADV².
struct MapDistance: Experiment {
  let id = "t13"
  let title = "distance of maps under PGD and ADV² to the benign ones"
  let reference = "table 13 and figure 5: the L1 distance under ADV² is less than half of that under PGD on every map"

  private struct Numbers {
    let plain: PaperRow
    let keeping: PaperRow

    func ratio(_ interpreter: PaperInterpreter) -> Double? {
      keeping[interpreter].flatMap { above in plain[interpreter].map { above / $0 } }
    }
  }

  /// L1.
  private let distances: [ExperimentRun.Network: Numbers] = [
    .first: Numbers(
      plain: PaperRow(grad: 0.10, cam: 0.22, mask: 0.28, rts: 0.22),
      keeping: PaperRow(grad: 0.04, cam: 0.05, mask: 0.09, rts: 0.01)),
    .second: Numbers(
      plain: PaperRow(grad: 0.11, cam: 0.31, mask: 0.27, rts: 0.26),
      keeping: PaperRow(grad: 0.05, cam: 0.04, mask: 0.09, rts: 0.02)),
  ]

  private let networks = ExperimentRun.Network.allCases

  var runs: [ExperimentRun] { AttackPair.pixels.allRuns(on: networks) }

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    var table = ExperimentTable(
      "t13",
      columns: [
        "network", "map", "PGD L1", "PGD L2", "best PGD L1", "ADV² L1", "ADV² L2", "ADV² / PGD", "ADV² / best PGD",
        "paper", "noise L1", "other photo L1", "unchanged target L1",
      ])
    var outcome = ExperimentOutcome(tables: [])
    for network in context.networks(of: networks) {
      var groups: [BarChart.Group] = []
      for interpreter in PaperInterpreter.allCases {
        let state = context.states(.pixels, interpreter, on: network)
        let (plain, keeping) = (state.plain, state.keeping)
        let paper = distances[network]?.ratio(interpreter)
        // Of PGD's last iterate, its first confident one, and the one that is chosen as that of ADV² is.
        let best = ["l1", "stopped.l1", "chosen.l1"].compactMap(plain.metric).min()
        let ratioToBest = best.flatMap { best in best > 0 ? keeping.metric("l1").map { $0 / best } : nil }
        let distances = [plain.metric("l1"), plain.metric("l2"), best, keeping.metric("l1"), keeping.metric("l2")]
        let controls = ["noise.l1", "otherImage.l1", "cleanTarget.l1"].map(keeping.metric)
        table.add(
          context.name(of: network), interpreter, missing: state.missing,
          distances.map { .init($0) } + [state.ratio("l1"), ratioToBest, paper].map { .init($0, 2) }
            + controls.map { .init($0) })
        if state.missing == nil {
          groups.append(.init(interpreter.title, [plain.metric("l1"), keeping.metric("l1")].map { $0.map(Float.init) }))
        }
        let subject = context.subject(network, interpreter)
        outcome.comparisons += [
          PaperComparison(
            subject, "map L1 under ADV² / under PGD", paper: paper, here: state.distanceRatio,
            missing: state.missingDistanceRatio, .atMost(0.5)),
          PaperComparison(
            subject, "map L1 under ADV² / under the best PGD", paper: "not compared",
            here: state.distanceRatio == nil ? nil : ratioToBest, missing: state.missingDistanceRatio, .atMost(0.5)),
        ]
      }
      try outcome.add(
        BarChart(
          heading: "\(context.name(of: network)): mean L1 distance to the benign map", series: ["PGD", "ADV²"],
          groups: groups),
        "t13.\(context.name(of: network))")
    }
    table.addMissingNetworks(context, of: networks)
    outcome.tables = [table]
    return outcome
  }
}
