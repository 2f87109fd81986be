import Attacks

/// What an evaluation found.
public struct Evaluation: Sendable {
  public struct Summary: Sendable, Encodable {
    public struct Clean: Sendable, Encodable {
      public let photos: Int
      public let unreadable: Int
      public let correct: Int
      public let preprocessing: String
    }

    public let clean: Clean
    public let split: String?
    public let metrics: [EvaluationMetrics.Metric]
    public let settings: AttackRecord.Settings?
  }

  public let results: AttackJob.Results
  public let clean: CleanPredictions
  public let metrics: EvaluationMetrics
  public let summary: Summary
  private let preprocessing: String

  init(_ results: AttackJob.Results, _ clean: CleanPredictions, split: Split?, preprocessing: String) {
    self.results = results
    self.clean = clean
    self.preprocessing = preprocessing
    metrics = EvaluationMetrics(results.records, accuracy: clean.accuracy, failed: results.failures.count)
    summary = Summary(
      clean: .init(
        photos: clean.rows.count, unreadable: clean.rows.count - clean.readable, correct: clean.accuracy.count,
        preprocessing: preprocessing), split: split?.rawValue, metrics: metrics.metrics,
      settings: results.records.first?.settings)
  }

  /// Clean accuracy, then the tables of an attack on several images, then what no table has.
  public var text: String {
    let share = clean.accuracy
    let interval = share.interval
    var lines = [
      "clean accuracy: \(share.count) of \(share.total) photos, \(fixed(100 * share.value, 1)) % "
        + "[\(fixed(100 * interval.lowerBound, 1)), \(fixed(100 * interval.upperBound, 1))]"
        + (clean.readable == clean.rows.count ? "" : ", \(clean.rows.count - clean.readable) unreadable"),
      "preprocessing: \(preprocessing)",
    ]
    if results.records.isEmpty { return lines.joined(separator: "\n") }
    lines += ["", AttackSummary(results.records).text, ""]
    func row(_ words: String, _ names: [String], _ decimals: Int) {
      let values = names.map { metrics[$0]?.value.map { fixed($0, decimals) } ?? "-" }
      lines.append(words + " " + values.joined(separator: ", "))
    }
    row("IoU of the map, of the map of the original class:", ["iou", "originalClass.iou"], 3)
    row("SSIM, of the float image:", ["ssim", "float.ssim"], 4)
    row("largest change, mean L2, share of values changed:", ["linf", "perturbation-l2", "perturbation-l0"], 4)
    row("joint success and map L1 of the float image:", ["float.joint", "float.l1"], 4)
    row("mean confidence of successes:", ["mc"], 4)
    row("sweeps forward, backward, second order:", ["forward", "backward", "second-order"], 0)
    if metrics["target-l1"]?.value != nil { row("map L1 to the target, to the benign map:", ["target-l1", "l1"], 4) }
    if metrics["patch-auroc"]?.value != nil { row("patch AUROC:", ["patch-auroc"], 3) }
    if !results.failures.isEmpty { lines.append("\(results.failures.count) photos could not be attacked, see results.csv") }
    return lines.joined(separator: "\n")
  }

  /// A line for each photo that was chosen.
  var table: String {
    let thresholds = results.records.lazy.compactMap(\.png.detection).first?.map(\.name) ?? []
    var text = CommaSeparated.line(
      [
        "image", "path", "label", "target", "success", "joint", "probability", "mapL1", "mapL2", "mapIoU", "mapSpearman",
        "mapTopOverlap", "targetL1", "ssim", "linf", "l2", "floatSuccess", "floatProbability", "floatMapL1", "forward",
        "backward", "secondOrder", "error",
      ] + thresholds.flatMap { ["score@" + $0, "detected@" + $0] })
    for record in results.records {
      func words(_ number: Double?) -> String { number.map { "\($0)" } ?? "" }
      let (png, float) = (record.png, record.float)
      text += CommaSeparated.line(
        [
          record.image, record.path, "\(record.label)", "\(record.target)", "\(png.success)", "\(png.jointSuccess)",
          words(png.targetProbability), words(png.mapL1), words(png.mapL2), words(png.mapIoU), words(png.mapSpearman),
          words(png.mapTopOverlap), words(png.toTarget?.l1), words(record.ssim), words(record.perturbation.linf),
          words(record.perturbation.l2), "\(float.success)", words(float.targetProbability), words(float.mapL1),
          "\(record.sweeps.forward)", "\(record.sweeps.backward)", "\(record.sweeps.secondOrder)", "",
        ] + (png.detection ?? []).flatMap { ["\($0.score)", "\($0.isDetected)"] })
    }
    for failure in results.failures {
      text += CommaSeparated.line(
        [failure.image, failure.path] + Array(repeating: "", count: 20) + [failure.error]
          + Array(repeating: "", count: 2 * thresholds.count))
    }
    return text
  }
}
