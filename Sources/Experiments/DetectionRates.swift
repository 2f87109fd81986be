import Adjoint
import Attacks
import Files

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

  /// - Throws: `UsageError` where too few photos would be left to calibrate on.
  func check(_ options: ExperimentJob.Options) throws {
    let (count, needed) = (try RunDetection.photos(options).count, DetectionThreshold.minimumCount)
    guard count - min(options.limit ?? count, count) < needed else { return }
    throw UsageError(
      "t4 calibrates on at least \(needed) photos that it does not attack, and '\(options.data)' holds \(count)"
        + (count > needed ? "; -n \(count - needed) or less is accepted" : ""))
  }

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
    let attacked = Set(columns.compactMap(\.1.finished).flatMap(\.records).map(\.path))
    let photos = try RunDetection.photos(context.options).filter { !attacked.contains($0) }
    let detection = try RunDetection(calibratedOn: photos, context.options)
    let shares = try columns.map { try detection.shares($0.1) }
    for (index, threshold) in detection.detector.thresholds.enumerated() {
      let cells = zip(columns, shares).map { column, shares in
        shares.map { ExperimentTable.Cell($0[index]) }
          ?? ExperimentTable.Cell("\(column.0): \(column.1.missing ?? "not run")")
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
        let here = basic.flatMap { below in
          adapted.flatMap { below[index].value > 0 ? $0[index].value / below[index].value : nil }
        }
        outcome.comparisons.append(
          PaperComparison(
            context.subject(.first, interpreter), "detected by \(squeezer.name), A* / A", paper: paper, here: here,
            missing: missing ?? "A is never detected", .atMost(1)))
      }
    }
    return outcome
  }
}

/// Squeezers calibrated on the photos that no run attacked, asked about the images of runs.
struct RunDetection {
  let detector: AttackDetector
  private let job: DetectionJob

  /// All photos of a call.
  static func photos(_ options: ExperimentJob.Options) throws -> [String] {
    guard let labels = try Self.programs(options).facts.classifier?.labels else { return [] }
    return try EvaluationData(options.data, labels: labels).photos.map(\.path)
  }

  private static func programs(_ options: ExperimentJob.Options) throws -> ModelPrograms {
    try options.programs(of: .first, .map, InterpreterChoice("grad"))
  }

  /// - Throws: `UsageError` for fewer than 100 photos, or for the same photo twice.
  /// Cost: for each photo a prediction, and one more for each squeezer.
  init(calibratedOn photos: [String], _ options: ExperimentJob.Options) throws {
    job = try DetectionJob(
      [try Self.programs(options)], .squeezers(AdaptedAttacks.squeezers), threads: options.execution.threads)
    detector = try job.calibrated(on: photos)
  }

  /// Of each threshold the share that it tells, of a run's images with the target label; nil for a run that is missing.
  func shares(_ state: RunState) throws -> [Share]? {
    guard let run = state.finished else { return nil }
    let successes = run.records.filter(\.png.success).map { run.png(of: $0.image) }
    let results = try job.detected(successes, by: detector)
    return detector.thresholds.indices.map { index in
      Share(results.count { $0.detections[index].isDetected }, of: results.count)
    }
  }
}
