import Adjoint
import Attacks

/// Table 4: how many of the images that have the target label squeezers tell.
struct DetectionRates: Experiment {
  let id = "t4"
  let title = "detection rates of PGD, ADV² (A) and ADV² adapted to squeezers (A*) by squeezing"
  let reference = "table 4: squeezers tell PGD and A alike, and A* far less: on MASK 11.7 to 51.7 %, on RTS 3.4 to 29.4 %"

  private struct PaperRates {
    let plain: Double
    let basic: PaperRow
    let adapted: PaperRow
  }

  /// In the order of the squeezers.
  private let rates = [
    PaperRates(plain: 0.923, basic: PaperRow(mask: 0.841, rts: 0.940), adapted: PaperRow(mask: 0.117, rts: 0.294)),
    PaperRates(plain: 0.727, basic: PaperRow(mask: 0.892, rts: 0.883), adapted: PaperRow(mask: 0.359, rts: 0.139)),
    PaperRates(plain: 0.973, basic: PaperRow(mask: 0.986, rts: 0.990), adapted: PaperRow(mask: 0.165, rts: 0.034)),
    PaperRates(plain: 0.523, basic: PaperRow(mask: 0.747, rts: 0.753), adapted: PaperRow(mask: 0.517, rts: 0.294)),
  ]

  var runs: [ExperimentRun] { AdaptedAttacks.runs }

  func check(_ options: ExperimentJob.Options) throws { try RunDetection.check(options, for: id) }

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    // PGD is one, whatever map measures it.
    let pairs = PaperInterpreter.allCases.map { context.states(.pixels, $0, on: .first) }
    let columns =
      [("PGD", pairs.first { $0.plain.finished != nil }?.plain ?? pairs[0].plain)]
      + zip(PaperInterpreter.allCases, pairs).flatMap { interpreter, pair in
        [
          ("\(interpreter.title)-A", pair.keeping),
          ("\(interpreter.title)-A*", context.state(AdaptedAttacks.adapted(interpreter))),
        ]
      }
    var table = ExperimentTable(
      "t4", columns: ["squeezer", "threshold", "held-out false positives"] + columns.map(\.0) + ["paper: PGD"])
    let detection = try RunDetection(context.options)
    let detector = try context.detector?.get()
    let shares = try columns.map { column in try detector.flatMap { try detection.shares(column.1, of: $0) } }
    for (index, threshold) in (detector?.thresholds ?? []).enumerated() {
      let cells = zip(columns, shares).map { column, shares in
        shares.map { ExperimentTable.Cell($0[index]) } ?? ExperimentTable.Cell(column.1.missing ?? "not run")
      }
      table.add(
        [
          .init(threshold.name), .init(threshold.threshold),
          .init(Share(threshold.heldOutFalsePositives, of: threshold.imageCount)),
        ] + cells + [.init(rates.indices.contains(index) ? rates[index].plain : nil)])
    }
    var outcome = ExperimentOutcome(tables: [table])
    for (position, interpreter) in PaperInterpreter.allCases.enumerated() {
      let (basic, adapted) = (shares[1 + 2 * position], shares[2 + 2 * position])
      for (index, squeezer) in AdaptedAttacks.squeezers.enumerated() {
        let paper = rates[index].basic[interpreter].flatMap { below in
          rates[index].adapted[interpreter].map { $0 / below }
        }
        let missing = [1, 2].compactMap { columns[2 * position + $0].1.missing }.first
        let own = [basic, adapted].compactMap { $0?[index] }.filter { $0.total > 0 }.map(\.value)
        let here = own.count == 2 && own[0] > 0 ? own[1] / own[0] : nil
        outcome.comparisons.append(
          PaperComparison(
            context.subject(.first, interpreter), "detected by \(squeezer.name), A* / A", paper: paper, here: here,
            missing: missing ?? (own.count < 2 ? "no image has the target label" : "A is never detected"), .atMost(1)))
      }
    }
    return outcome
  }
}
