import Attacks

/// Table 3: how often PGD and ADV² have the networks see the target, and how sure these are.
struct AttackSuccess: Experiment {
  let id = "t3"
  let title = "attack success rate and confidence of PGD and ADV²"
  let reference = "table 3: PGD 100 % (1.0); ADV² 100, 100, 98, 100 % on GRAD, CAM, MASK, RTS of ResNet-50, as good as PGD"

  /// Of ADV² for benign maps.
  static func rates(on network: ExperimentRun.Network) -> PaperRow {
    PaperRow(grad: 1, cam: 1, mask: network == .first ? 0.98 : 0.96, rts: 1)
  }

  private let networks = ExperimentRun.Network.allCases

  var runs: [ExperimentRun] { AttackPair.pixels.allRuns(on: networks) }

  func outcome(_ context: ExperimentContext) -> ExperimentOutcome {
    var table = ExperimentTable(
      "t3", columns: ["network", "map", "PGD", "PGD MC", "ADV²", "ADV² MC", "joint success", "paper: ADV²"])
    var comparisons: [PaperComparison] = []
    for network in context.networks(of: networks) {
      for interpreter in PaperInterpreter.allCases {
        let state = context.states(.pixels, interpreter, on: network)
        let paper = Self.rates(on: network)[interpreter]
        table.add(
          context.name(of: network), interpreter, missing: state.missing,
          [
            .init(state.plain.success), .init(state.plain.metric("mc"), 2), .init(state.keeping.success),
            .init(state.keeping.metric("mc"), 2), .init(state.keeping.share(\.png.jointSuccess)), .init(paper, 2),
          ])
        comparisons.append(
          PaperComparison(
            context.subject(network, interpreter), "success of ADV² / of PGD", paper: paper, here: state.ratio("asr"),
            missing: state.missing, .atLeast(0.95)))
      }
    }
    table.addMissingNetworks(context, of: networks)
    return ExperimentOutcome(tables: [table], comparisons: comparisons)
  }
}
