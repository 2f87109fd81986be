import Images

/// Figures 6, 10 and 20: distance and overlap of adversarial and benign maps.
struct OverlapFigure: Experiment {
  let id: String
  let title: String
  let reference: String
  private let pair: AttackPair
  private let networks: [ExperimentRun.Network]

  /// Figure 6, of PGD and ADV².
  static let pixels = OverlapFigure(
    "f6", "overlap (IoU) of maps under PGD and ADV² with the benign ones",
    "figure 6: IoU above 0.5 under ADV² on every map, above 0.9 on RTS, and over 0.4 above PGD's", .pixels,
    ExperimentRun.Network.allCases)

  /// Figure 10, or 20 of the second network, of stAdv.
  static func flows(on network: ExperimentRun.Network) -> OverlapFigure {
    OverlapFigure(
      network == .first ? "f10" : "f20", "L1 and overlap (IoU) of maps under stAdv and ADV² on it with the benign ones",
      "figure \(network == .first ? 10 : 20), whose numbers cannot be read: closer maps under ADV² than under stAdv, MASK "
        + "being the most resilient",
      .flows, [network])
  }

  private init(
    _ id: String, _ title: String, _ reference: String, _ pair: AttackPair, _ networks: [ExperimentRun.Network]
  ) {
    (self.id, self.title, self.reference, self.pair, self.networks) = (id, title, reference, pair, networks)
  }

  var isOfSecondNetwork: Bool { networks == [.second] }
  var runs: [ExperimentRun] { pair.allRuns(on: networks) }

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    let (plain, keeping) = (pair.plainTitle, pair.keepingTitle)
    var table = ExperimentTable(
      id, columns: ["network", "map", "\(plain) IoU", "\(keeping) IoU", "difference", "\(plain) L1", "\(keeping) L1"])
    var outcome = ExperimentOutcome(tables: [])
    for network in context.networks(of: networks) {
      var overlaps: [BarChart.Group] = []
      var distances: [BarChart.Group] = []
      let name = context.name(of: network)
      for interpreter in PaperInterpreter.allCases {
        let state = context.states(pair, interpreter, on: network)
        let iou = [state.plain.metric("iou"), state.keeping.metric("iou")]
        let l1 = [state.plain.metric("l1"), state.keeping.metric("l1")]
        let difference = iou[1].flatMap { above in iou[0].map { above - $0 } }
        table.add(name, interpreter, missing: state.missing, (iou + [difference] + l1).map { .init($0) })
        if state.missing == nil {
          overlaps.append(.init(interpreter.title, iou.map { $0.map(Float.init) }))
          distances.append(.init(interpreter.title, l1.map { $0.map(Float.init) }))
        }
        outcome.comparisons += comparisons(context.subject(network, interpreter), interpreter, state, difference)
      }
      if pair == .flows, context.options.interpreters.contains(.mask) {
        outcome.comparisons.append(resilience(context, network))
      }
      for (quantity, groups) in [("IoU", overlaps), ("L1", distances)] {
        try outcome.add(
          BarChart(heading: "\(name): mean \(quantity) with the benign map", series: [plain, keeping], groups: groups),
          "\(id).\(name).\(quantity)")
      }
    }
    table.addMissingNetworks(context, of: networks)
    outcome.tables = [table]
    return outcome
  }

  /// Whether an attack on MASK brings its map least back.
  private func resilience(_ context: ExperimentContext, _ network: ExperimentRun.Network) -> PaperComparison {
    func state(_ interpreter: PaperInterpreter) -> PairState { context.states(pair, interpreter, on: network) }
    let others = PaperInterpreter.allCases.filter { $0 != .mask }.compactMap { state($0).distanceRatio }
    let difference = others.max().flatMap { largest in state(.mask).distanceRatio.map { $0 - largest } }
    return PaperComparison(
      context.subject(network, .mask), "map L1 under ADV² on stAdv / under stAdv, less the largest of the others",
      paper: "MASK is the most resilient", here: difference, missing: state(.mask).missingDistanceRatio ?? "no other interpreter",
      .atLeast(0))
  }

  private func comparisons(
    _ subject: String, _ interpreter: PaperInterpreter, _ state: PairState, _ difference: Double?
  ) -> [PaperComparison] {
    guard pair == .pixels else {
      return [
        PaperComparison(
          subject, "map L1 under ADV² on stAdv / under stAdv", paper: "unreadable", here: state.distanceRatio,
          missing: state.missingDistanceRatio, .atMost(1))
      ]
    }
    let bound = interpreter == .rts ? 0.9 : 0.5
    return [
      PaperComparison(
        subject, "IoU under ADV²", paper: "above \(bound)", here: state.keeping.metric("iou"), missing: state.missing,
        .atLeast(bound)),
      PaperComparison(
        subject, "IoU under ADV² - under PGD", paper: "above 0.4", here: difference, missing: state.missing, .atLeast(0.4)),
    ]
  }
}
