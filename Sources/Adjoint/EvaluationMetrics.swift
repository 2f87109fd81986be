import Attacks

/// Everything that an evaluation measures, by name.
public struct EvaluationMetrics: Sendable, Encodable {
  public struct Metric: Sendable, Encodable {
    public let name: String
    /// Nil where no image has such a number.
    public let value: Double?
    /// The 95 % Wilson interval of a share.
    public let low: Double?
    public let high: Double?

    init(_ name: String, _ value: Double?) { (self.name, self.value, low, high) = (name, value, nil, nil) }

    init(_ name: String, _ share: Share) {
      self.name = name
      value = share.total == 0 ? nil : share.value
      low = share.total == 0 ? nil : share.interval.lowerBound
      high = share.total == 0 ? nil : share.interval.upperBound
    }
  }

  /// What each judged image has; alone they are those of the attack's result, from the decoded PNG.
  public static let judged = [
    "asr", "joint", "mc", "p", "l1", "l2", "l1-at-success", "iou", "spearman", "top", "cosine", "blank", "detected",
  ]
  /// What controls have, the map of the original class, MASK's under other jitter, and of several interpreters each alone.
  public static let compared = ["l1", "l2", "iou", "spearman", "top", "cosine"]
  /// MASK's maps under jitter that the attack has not seen, of the unchanged photo under such jitter, and of both photos
  /// without any.
  static let jittered = ["unseen", "floor", "still"]
  /// Whose maps have those, by the words ahead of the point.
  static let owners =
    AttackRecord.Control.Kind.allCases.map(\.rawValue) + ["originalClass"] + jittered + InterpreterChoice.names
  /// What the attack as a whole has.
  public static let general = [
    "accuracy", "attacked", "failed", "cut", "ssim", "linf", "perturbation-l2", "perturbation-l1", "perturbation-l0",
    "float.ssim", "float.linf", "float.perturbation-l2", "float.perturbation-l1", "float.perturbation-l0", "target-l1",
    "target-iou", "patch-auroc", "flow-loss", "displacement", "displacement-99", "forward", "backward", "second-order",
  ]

  public let metrics: [Metric]

  /// - Parameter failed: images that could not be attacked; the shares of success are of the others.
  init(_ records: [AttackRecord], accuracy: Share?, failed: Int) {
    var metrics: [Metric] = []
    if let accuracy { metrics.append(Metric("accuracy", accuracy)) }
    metrics += [
      Metric("attacked", Double(records.count)), Metric("failed", Double(failed)),
      Metric("cut", Double(records.count { $0.cut == true })),
    ]
    metrics += Self.metrics(of: records.map(\.png), prefix: "")
    metrics += Self.metrics(of: records.map(\.float), prefix: "float.")
    for name in (records.first?.others ?? []).map(\.name) {
      metrics += Self.metrics(
        of: records.compactMap { record in record.others.first { $0.name == name }?.png }, prefix: name + ".")
    }
    for kind in AttackRecord.Control.Kind.allCases {
      metrics += Self.metrics(
        of: records.compactMap { record in record.controls.first { $0.kind == kind }?.map }, prefix: kind.rawValue + ".")
    }
    metrics += Self.metrics(of: records.map(\.originalClass), prefix: "originalClass.")
    let jitter = records.compactMap(\.jitter)
    if !jitter.isEmpty {
      for (name, maps) in zip(Self.jittered, [jitter.flatMap(\.unseen), jitter.map(\.floor), jitter.map(\.still)]) {
        metrics += Self.metrics(of: maps, prefix: name + ".")
      }
    }
    let figures = records.compactMap(\.png.maps)
    for (index, interpreter) in (figures.first ?? []).map(\.interpreter).enumerated() {
      metrics += Self.metrics(of: figures.map { $0[index].map }, prefix: interpreter + ".")
    }
    func norms(_ prefix: String, _ ssim: (AttackRecord) -> Double, _ norms: (AttackRecord) -> PerturbationNorms) {
      metrics += [
        Metric(prefix + "ssim", mean(records.map(ssim))), Metric(prefix + "linf", records.map { norms($0).linf }.max()),
        Metric(prefix + "perturbation-l2", mean(records.map { norms($0).l2 })),
        Metric(prefix + "perturbation-l1", mean(records.map { norms($0).l1 })),
        Metric(prefix + "perturbation-l0", mean(records.map { norms($0).l0 })),
      ]
    }
    norms("", \.ssim, \.perturbation)
    norms("float.", \.floatSSIM, \.floatPerturbation)
    metrics += [
      Metric("target-l1", mean(records.compactMap(\.png.toTarget?.l1))),
      Metric("target-iou", mean(records.compactMap { $0.png.toTarget?.iou })),
      Metric("patch-auroc", mean(records.compactMap(\.png.patchAUROC))),
      Metric("flow-loss", mean(records.compactMap(\.flow?.loss))),
      Metric("displacement", mean(records.compactMap(\.flow?.meanDisplacement))),
      Metric("displacement-99", mean(records.compactMap(\.flow?.displacementPercentile99))),
      Metric("forward", mean(records.map { Double($0.sweeps.forward) })),
      Metric("backward", mean(records.map { Double($0.sweeps.backward) })),
      Metric("second-order", mean(records.map { Double($0.sweeps.secondOrder) })),
    ]
    self.metrics = metrics
  }

  private static func metrics(of judgements: [AttackRecord.Judgement], prefix: String) -> [Metric] {
    func share(_ name: String, _ counts: (AttackRecord.Judgement) -> Bool) -> Metric {
      Metric(prefix + name, Share(judgements.count(where: counts), of: judgements.count))
    }
    func average(_ name: String, _ number: (AttackRecord.Judgement) -> Double?) -> Metric {
      Metric(prefix + name, mean(judgements.compactMap(number)))
    }
    return [
      share("asr", \.success), share("joint", \.jointSuccess),
      Metric(prefix + "mc", mean(judgements.filter(\.success).map(\.targetProbability))),
      average("p", \.targetProbability), average("l1", \.mapL1), average("l2", \.mapL2),
      Metric(prefix + "l1-at-success", mean(judgements.filter(\.success).map(\.mapL1))), average("iou", \.mapIoU),
      average("spearman", \.mapSpearman), average("top", \.mapTopOverlap), average("cosine", \.mapCosine),
      share("blank") { $0.mapStatus == .blank },
    ]
      + MapMetrics.sweepThresholds.enumerated().map { index, threshold in
        average("iou@\(fixed(threshold, 1))") { $0.mapIoUSweep?[index] }
      }
      + AttackSummary.thresholds.map { threshold in
        share("joint@\(fixed(threshold, 2))") { $0.succeeds(within: threshold) }
      } + detection(of: judgements, prefix: prefix)
  }

  /// Of the images whose label is the target, those that a detector tells: by its last threshold, which is that of all
  /// squeezers together or of maps, then by each squeezer's.
  private static func detection(of judgements: [AttackRecord.Judgement], prefix: String) -> [Metric] {
    let rates = DetectionRate.rates(of: judgements)
    return rates.suffix(1).map { Metric(prefix + "detected", $0.share) }
      + rates.dropLast().map { Metric(prefix + "detected@" + $0.name, $0.share) }
  }

  private static func metrics(of comparisons: [MapComparison], prefix: String) -> [Metric] {
    func average(_ name: String, _ number: (MapComparison) -> Double?) -> Metric {
      Metric(prefix + name, mean(comparisons.compactMap(number)))
    }
    return [
      average("l1", \.l1), average("l2", \.l2), average("iou", \.iou), average("spearman", \.spearman),
      average("top", \.topOverlap), average("cosine", \.cosine),
    ]
  }

  public subscript(name: String) -> Metric? { metrics.first { $0.name == name } }
}
