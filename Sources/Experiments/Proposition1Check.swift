import Adjoint
import Attacks
import Images
import TensorTypes

/// Proposition 1 on attacked photos: the prediction loss of an attack is at most its interpretation loss, by the
/// attributions of integrated gradients between photo and attacked photo.
///
/// Of three scores: the probability, whose attributions are those of integrated gradients; the log-odds; and the mean of the
/// logit over noise, whose gradient is that of SmoothGrad.
struct Proposition1Check: Experiment {
  let id = "proposition1"
  let title = "prediction loss and interpretation loss of integrated gradients and SmoothGrad on attacked photos"
  let reference = "proposition 1: l_prd = sum of u v <= sum of |u v| = l_int, with integrated gradients from the photo"

  /// Midpoints of the integral.
  static let samples = 256
  /// Noises of SmoothGrad, of which the attack has 50.
  static let noises = 4

  private struct Form {
    let title: String
    let score: PathIntegral.Score
    var isNoisy = false
  }

  private let forms = [
    Form(title: "IG: p", score: .probability), Form(title: "log-odds", score: .logOdds),
    Form(title: "SmoothGrad: z", score: .logit, isNoisy: true),
  ]

  private static let attacks: [(title: String, run: ExperimentRun)] = [
    ("PGD", ExperimentRun(.pgd, "cam")), ("ADV² on CAM", ExperimentRun(.adv2, "cam")),
    ("ADV² on GRAD", ExperimentRun(.adv2, "grad")), ("ADV² on IG", sampled("ig")),
    ("ADV² on SmoothGrad", sampled("smoothgrad")),
  ]

  /// An attack on an average of few samples, in few steps: every step costs as many gradients as there are samples.
  private static func sampled(_ interpreter: String) -> ExperimentRun {
    ExperimentRun(.adv2, interpreter, changes: [.samples(8), .steps(140), .warm(60)], suffix: "8-samples")
  }

  var runs: [ExperimentRun] { Self.attacks.map(\.run) }

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    var table = ExperimentTable(
      "proposition1",
      columns: [
        "attack", "score", "photos", "l_prd", "l_int", "l_prd / l_int", "largest |sum of u v - l_prd|", "share of u v >= 0",
        "holds",
      ])
    var comparisons: [PaperComparison] = []
    let model = try context.classifier(of: .first)
    let interface = model.interface
    for form in forms {
      let runner = try model.runner(context.options.execution) { [try PathIntegral.graph(of: $0, form.score)] }
      let offsets = form.isNoisy ? noise(interface.imageShape, seed: context.options.numbers.seed) : [[]]
      for (title, run) in Self.attacks {
        let subject = "\(title), \(form.title)"
        let quantity = "photos where l_prd <= l_int, and where u v adds up to l_prd"
        guard let finished = context.state(run).finished else {
          let missing = context.state(run).missing ?? "not run"
          table.add([.init(title), .init(form.title), .init(missing)])
          comparisons.append(.ofAll(subject, quantity, 0, of: 0, missing: missing))
          continue
        }
        let integrals = try finished.records.map { record in
          let pictures = [
            try finished.photo(of: record.image), try Image(contentsOf: finished.png(of: record.image)),
          ]
          let ends = pictures.map { picture in interface.levels(picture).map { Double($0) / 255 } }
          return try PathIntegral(
            from: ends[0], to: ends[1], ofClass: record.target, samples: Self.samples, offsets: offsets,
            batchShape: interface.imageShape, runner: runner)
        }
        let row = Losses(integrals)
        table.add([
          .init(title), .init(form.title), .init(Double(integrals.count), 0), .init(row.prediction),
          .init(row.interpretation),
          .init(row.prediction / row.interpretation), .init(row.residual, 5), .init(row.positiveShare, 2),
          .init(Share(row.holding, of: integrals.count)),
        ])
        comparisons.append(
          .ofAll(subject, quantity, row.holding, of: integrals.count, missing: nil))
      }
    }
    return ExperimentOutcome(tables: [table], comparisons: comparisons)
  }

  private func noise(_ imageShape: Shape, seed: UInt64) -> [[Double]] {
    GradientSamples.noisy(deviation: 0.15, count: Self.noises, seed: seed, imageShape: imageShape).offsets
  }

  /// Means over photos, and how many of them keep the proposition.
  private struct Losses {
    let prediction: Double
    let interpretation: Double
    /// The largest.
    let residual: Double
    let positiveShare: Double
    let holding: Int

    init(_ integrals: [PathIntegral]) {
      func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(max(numbers.count, 1)) }
      prediction = mean(integrals.map(\.scoreDifference))
      interpretation = mean(integrals.map(\.absoluteSum))
      residual = integrals.map(\.residual).max() ?? 0
      positiveShare = mean(
        integrals.map { integral in
          Double(integral.attributions.count { $0 >= 0 }) / Double(max(integral.attributions.count, 1))
        })
      holding = integrals.count { $0.holds() }
    }
  }
}
