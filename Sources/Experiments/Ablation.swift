import Adjoint
import Attacks

/// What each part of an attack is good for: the attack without it, or with a part that it goes without.
struct Ablation: Experiment {
  let id = "ablation"
  let title = "each part of ADV² taken away, on CAM, GRAD and MASK"
  let reference =
    "sections 3.2, 4.1 and algorithm 1 say why h, warm start, label smoothing, lookahead, resets and search are there"

  /// An attack with one part changed.
  struct Variant {
    let interpreter: PaperInterpreter
    /// Nil for the attack as it is.
    let change: String?
    let run: ExperimentRun
  }

  static let variants: [Variant] = [
    variant(.cam), variant(.cam, "without warm start", .warm(0)),
    variant(.cam, "with label smoothing", .smoothsLabels(true)),
    variant(.cam, "steps of one length", .finalAlpha(1)),
    variant(.grad),
    variant(.grad, "sigma in place of h", .surrogate("sigmoid")),
    variant(.grad, "r in place of h", .surrogate("plain")),
    variant(.grad, "without warm start", .warm(0)),
    variant(.grad, "without label smoothing", .smoothsLabels(false)),
    variant(.grad, "steps of one length", .finalAlpha(1)),
    variant(.mask),
    variant(.mask, "lookahead of 1 step", .lookaheadSteps(1)),
    variant(.mask, "without lookahead", .lookaheadSteps(0)),
    variant(.mask, "without resets", .resetInterval(0)),
    variant(.mask, "with search", .halvings(5)),
    variant(.mask, "without warm start", .warm(0)),
  ]

  private static func variant(
    _ interpreter: PaperInterpreter, _ words: String? = nil, _ change: ExperimentRun.Change? = nil
  ) -> Variant {
    Variant(
      interpreter: interpreter, change: words,
      run: ExperimentRun(
        .adv2, interpreter.rawValue, changes: [change].compactMap(\.self),
        suffix: words?.split(separator: " ").joined(separator: "-")))
  }

  var runs: [ExperimentRun] { Self.variants.map(\.run) }

  func outcome(_ context: ExperimentContext) -> ExperimentOutcome {
    var table = ExperimentTable(
      "ablation", columns: ["attack on", "change", "target label", "joint success", "map L1", "Spearman", "top 10 %"])
    var comparisons: [PaperComparison] = []
    for variant in Self.variants {
      let state = context.state(variant.run)
      let whole = Self.variants.first { $0.interpreter == variant.interpreter && $0.change == nil }.map {
        context.state($0.run)
      }
      let head = [ExperimentTable.Cell(variant.interpreter.title), .init(variant.change ?? "as it is")]
      let cells: [ExperimentTable.Cell] = [
        .init(state.success), .init(state.share(\.png.jointSuccess)), .init(state.metric("l1")),
        .init(state.metric("spearman"), 2), .init(state.metric("top"), 2),
      ]
      table.add(head + (state.missing.map { [.init($0)] } ?? cells))
      guard let change = variant.change else { continue }
      func joint(_ state: RunState?) -> Double? { state?.metric("joint") }
      let loss = joint(whole).flatMap { all in joint(state).map { all - $0 } }
      comparisons.append(
        PaperComparison(
          "\(variant.interpreter.title), \(change)", "joint success as it is - changed", paper: nil, here: loss,
          missing: state.missing ?? whole?.missing.map { "as it is: \($0)" }, .atLeast(0)))
    }
    return ExperimentOutcome(tables: [table], comparisons: comparisons)
  }
}
