import Images

/// Table 7 and figures 13 and 22: whether maps of ADV² are closer to the map it goes for than to the benign one.
struct TargetDistance: Experiment {
  private let target: ForeignTarget
  private let network: ExperimentRun.Network
  let id: String
  let reference: String
  /// L1 to the target over L1 to the benign map.
  private let ratios: PaperRow?

  static let patches = TargetDistance(
    .patch, .first, "t7",
    "table 7: L1 to the benign map 0.16, 0.50, 0.42, 0.49 on GRAD, CAM, MASK, RTS, to the target 0.10, 0.04, 0.15, 0.07",
    PaperRow(grad: 0.10 / 0.16, cam: 0.04 / 0.50, mask: 0.15 / 0.42, rts: 0.07 / 0.49))

  static func classes(on network: ExperimentRun.Network) -> TargetDistance {
    let number = network == .first ? 13 : 22
    return TargetDistance(
      .otherClass, network, "f\(number)",
      "figure \(number), whose numbers cannot be read: closer to the target than to the benign map", nil)
  }

  private init(
    _ target: ForeignTarget, _ network: ExperimentRun.Network, _ id: String, _ reference: String, _ ratios: PaperRow?
  ) {
    (self.target, self.network, self.id, self.reference, self.ratios) = (target, network, id, reference, ratios)
  }

  var title: String { "L1 and IoU of maps of ADV² that goes for \(target.title), to those and to the benign ones" }
  var isOfSecondNetwork: Bool { network == .second }
  var runs: [ExperimentRun] { target.allRuns(on: network) }

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    let columns = ["network", "map", "benign L1", "target L1", "target / benign", "paper", "benign IoU", "target IoU"]
    var table = ExperimentTable(id, columns: target == .patch ? columns + ["AUROC of the patch"] : columns)
    var outcome = ExperimentOutcome(tables: [])
    var charts: [String: [BarChart.Group]] = [:]
    for interpreter in PaperInterpreter.allCases {
      let state = context.state(target, interpreter, on: network)
      let l1 = ["l1", "target-l1"].map(state.metric)
      let iou = ["iou", "target-iou"].map(state.metric)
      let ratio = l1[1].flatMap { above in l1[0].flatMap { $0 > 0 ? above / $0 : nil } }
      let numbers =
        l1.map { ExperimentTable.Cell($0) } + [.init(ratio, 2), .init(ratios?[interpreter], 2)] + iou.map { .init($0) }
      table.add(
        context.name(of: network), interpreter, missing: state.missing,
        target == .patch ? numbers + [.init(state.metric("patch-auroc"))] : numbers)
      if state.missing == nil {
        for (quantity, values) in [("L1", l1), ("IoU", iou)] {
          charts[quantity, default: []].append(.init(interpreter.title, values.map { $0.map(Float.init) }))
        }
      }
      let subject = context.subject(network, interpreter)
      outcome.comparisons.append(
        PaperComparison(
          subject, "map L1 to the target / to the benign map",
          paper: ratios?[interpreter].map { "\(ExperimentTable.Cell($0, 2).text)" } ?? "unreadable", here: ratio,
          missing: state.missing, .atMost(1)))
    }
    let name = context.name(of: network)
    for quantity in ["L1", "IoU"] {
      try outcome.add(
        BarChart(
          heading: "\(name): mean \(quantity) of maps of ADV² with", series: ["benign", "target"],
          groups: charts[quantity] ?? []),
        "\(id).\(name).\(quantity)")
    }
    outcome.tables = [table]
    return outcome
  }
}
