import Attacks

/// ADV² as it is (A), and adapted to the squeezers of table 4, all of them at once, with their thresholds (A*).
enum AdaptedAttacks {
  static let squeezers: [Squeezer] = [.bits(2), .bits(3), .median(3), .nonLocalMeans]

  static func adapted(_ interpreter: PaperInterpreter) -> ExperimentRun {
    ExperimentRun(.adv2, interpreter.rawValue, evading: squeezers)
  }

  static var runs: [ExperimentRun] { AttackPair.pixels.allRuns(on: [.first]) + PaperInterpreter.allCases.map(adapted) }
}

/// Table 5: what adapting ADV² to squeezers costs its maps.
struct AdaptedMaps: Experiment {
  let id = "t5"
  let title = "L1 and IoU of maps under PGD, ADV² (A) and ADV² adapted to squeezers (A*)"
  let reference =
    "table 5: L1 0.28, 0.09, 0.09 and IoU 0.21, 0.65, 0.61 on MASK; 0.22, 0.01, 0.02 and 0.29, 0.93, 0.94 on RTS"

  /// L1 of A* over that of PGD.
  private let ratios = PaperRow(mask: 0.09 / 0.28, rts: 0.02 / 0.22)

  var runs: [ExperimentRun] { AdaptedAttacks.runs }

  func check(_ options: ExperimentJob.Options) throws { try RunDetection.check(options, for: id) }

  func outcome(_ context: ExperimentContext) -> ExperimentOutcome {
    var table = ExperimentTable(
      "t5",
      columns: ["network", "map", "PGD L1", "A L1", "A* L1", "PGD IoU", "A IoU", "A* IoU", "A* success", "paper: A* / PGD"])
    var outcome = ExperimentOutcome(tables: [])
    for interpreter in PaperInterpreter.allCases {
      let basic = context.states(.pixels, interpreter, on: .first)
      let adapted = PairState(plain: basic.plain, keeping: context.state(AdaptedAttacks.adapted(interpreter)))
      let states = [basic.plain, basic.keeping, adapted.keeping]
      let missing = basic.missing ?? adapted.missing.map { "A*: \($0)" }
      table.add(
        context.name(of: .first), interpreter, missing: missing,
        states.map { .init($0.metric("l1")) } + states.map { .init($0.metric("iou")) }
          + [.init(adapted.keeping.success), .init(ratios[interpreter], 2)])
      outcome.comparisons.append(
        PaperComparison(
          context.subject(.first, interpreter), "map L1 under A* / under PGD", paper: ratios[interpreter],
          here: adapted.distanceRatio, missing: missing ?? adapted.missingDistanceRatio, .atMost(0.5)))
    }
    outcome.tables = [table]
    return outcome
  }
}
