import Attacks

/// Table 10: PGD and ADV² against Grad-CAM, of the last feature map and of the last one of twice its sides.
///
/// Of a network that ends in pooled features and a linear layer the former is the positive part of CAM.
struct GradCAMTable: Experiment {
  let id = "t10"
  let title = "success, confidence, and map distances of PGD and ADV² against Grad-CAM"
  let reference = "table 10: PGD 100 % (1.0), L1 0.22, L2 0.28; ADV² 100 % (0.98), L1 0.07, L2 0.09"

  private let sizes: [(ExperimentRun.FeatureSize, title: String)] = [
    (.last, "last feature map"), (.twiceTheLast, "twice its sides"),
  ]

  private func run(_ method: AttackSettings.Method, _ size: ExperimentRun.FeatureSize) -> ExperimentRun {
    ExperimentRun(method, "grad-cam", featureSize: size)
  }

  var runs: [ExperimentRun] { sizes.flatMap { size in [run(.pgd, size.0), run(.adv2, size.0)] } }

  func outcome(_ context: ExperimentContext) -> ExperimentOutcome {
    var table = ExperimentTable(
      "t10",
      columns: [
        "network", "Grad-CAM of the", "size", "PGD", "PGD MC", "PGD L1", "PGD L2", "ADV²", "ADV² MC", "ADV² L1", "ADV² L2",
        "L1 ADV² / PGD", "paper", "blank",
      ])
    var outcome = ExperimentOutcome(tables: [])
    for (size, title) in sizes {
      let state = PairState(plain: context.state(run(.pgd, size)), keeping: context.state(run(.adv2, size)))
      let head = [ExperimentTable.Cell(context.name(of: .first)), .init(title)]
      if let missing = state.missing {
        table.add(head + [.init(missing)])
      } else {
        let halves = [state.plain, state.keeping].map { half -> [ExperimentTable.Cell] in
          [.init(half.success), .init(half.metric("mc"), 2), .init(half.metric("l1")), .init(half.metric("l2"))]
        }
        table.add(
          head + [.init(state.keeping.finished?.mapSize ?? "-")] + halves.flatMap(\.self)
            + [
              .init(state.ratio("l1"), 2), .init(0.07 / 0.22, 2), .init(state.keeping.share { $0.png.mapStatus == .blank }),
            ])
      }
      outcome.comparisons.append(
        PaperComparison(
          "\(context.name(of: .first)), \(title)", "map L1 under ADV² / under PGD", paper: 0.07 / 0.22,
          here: state.distanceRatio, missing: state.missingDistanceRatio, .atMost(0.5)))
    }
    outcome.tables = [table]
    return outcome
  }
}
