import Adjoint
import Attacks
import Foundation
import Images

/// Proposition 2 on random functions.
struct Proposition2Check: Experiment {
  let id = "proposition2"
  let title = "the gradient of a minimiser's distance, by equation 17 and by a lookahead"
  let reference = "proposition 2: it is -f_xy (f_yy)^-1 (g - g0), and a lookahead by Newton's step has it"

  let runs: [ExperimentRun] = []
  let needsNetwork = false

  /// How many functions of each kind.
  private static let functions = 10

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    let seed = context.options.numbers.seed
    let all = try (0..<UInt64(Self.functions)).map { try Proposition2(seed: seed + $0).checks() }
    var table = ExperimentTable(
      "proposition2", columns: ["check", "statement", "functions", "largest error", "bound", "holds"])
    var comparisons: [PaperComparison] = []
    var bars: [BarChart.Group] = []
    for (index, check) in (all.first ?? []).enumerated() {
      let same = all.map { $0[index] }
      let largest = same.map(\.error).max() ?? 0
      let words = "\(largest)"
      table.add([
        .init(check.name), .init(check.statement), .init(Double(same.count), 0), .init(words), .init("\(check.bound)"),
        .init(Share(same.count(where: \.holds), of: same.count)),
      ])
      comparisons.append(
        PaperComparison(
          subject: "(\(check.name)) \(check.statement)", quantity: "largest relative error", paper: "0", here: words,
          expected: "at most \(check.bound)", holds: same.allSatisfy(\.holds)))
      bars.append(.init(check.name, [largest, check.bound].map(Self.digits)))
    }
    var outcome = ExperimentOutcome(tables: [table], comparisons: comparisons)
    try outcome.add(
      BarChart(heading: "decimal digits that agree, and that must", series: ["largest error", "bound"], groups: bars),
      "proposition2")
    return outcome
  }

  /// Of a relative error; f64 has no more than 16.
  private static func digits(_ error: Double) -> Float {
    Float(-log10(max(error, 1e-16)))
  }
}
