import Attacks

/// Tables 6 and 8: whether ADV² still has the network see the target when it goes for another map than the benign one.
struct TargetSuccess: Experiment {
  private let target: ForeignTarget
  let id: String
  let reference: String
  private let rates: PaperRow
  private let confidences: PaperRow

  static let patches = TargetSuccess(
    .patch, "t6", "table 6: 100 % (0.98), 100 % (1.0), 99 % (0.95), 100 % (1.0) on GRAD, CAM, MASK, RTS, as for benign maps",
    PaperRow(grad: 1, cam: 1, mask: 0.99, rts: 1), PaperRow(grad: 0.98, cam: 1, mask: 0.95, rts: 1))
  static let classes = TargetSuccess(
    .otherClass, "t8", "table 8: 100 % (0.99) on GRAD, CAM and MASK, 100 % (1.0) on RTS, as for benign maps",
    PaperRow(grad: 1, cam: 1, mask: 1, rts: 1), PaperRow(grad: 0.99, cam: 0.99, mask: 0.99, rts: 1))

  private init(
    _ target: ForeignTarget, _ id: String, _ reference: String, _ rates: PaperRow, _ confidences: PaperRow
  ) {
    (self.target, self.id, self.reference, self.rates, self.confidences) = (target, id, reference, rates, confidences)
  }

  var title: String { "attack success rate and confidence of ADV² that goes for \(target.title)" }

  private func runOfBenign(_ interpreter: PaperInterpreter) -> ExperimentRun { ExperimentRun(.adv2, interpreter.rawValue) }

  var runs: [ExperimentRun] { target.allRuns(on: .first) + PaperInterpreter.allCases.map(runOfBenign) }

  func outcome(_ context: ExperimentContext) -> ExperimentOutcome {
    var table = ExperimentTable(
      id, columns: ["network", "map", "ADV²", "MC", "for benign maps", "their MC", "paper: ADV²", "paper: MC"])
    var outcome = ExperimentOutcome(tables: [])
    for interpreter in PaperInterpreter.allCases {
      let state = PairState(
        plain: context.state(runOfBenign(interpreter)), keeping: context.state(target, interpreter, on: .first))
      table.add(
        context.name(of: .first), interpreter, missing: state.missing,
        [
          .init(state.keeping.success), .init(state.keeping.metric("mc"), 2), .init(state.plain.success),
          .init(state.plain.metric("mc"), 2), .init(rates[interpreter], 2), .init(confidences[interpreter], 2),
        ])
      outcome.comparisons.append(
        PaperComparison(
          context.subject(.first, interpreter), "success for \(target.title) / for benign maps",
          paper: AttackSuccess.rates(on: .first)[interpreter].flatMap { below in rates[interpreter].map { $0 / below } },
          here: state.ratio("asr"), missing: state.missing, .atLeast(0.95)))
    }
    outcome.tables = [table]
    return outcome
  }
}
