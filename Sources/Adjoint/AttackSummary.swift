import Attacks

/// What several attacks together show, over all images: shares with 95 % intervals, and means.
public struct AttackSummary: Sendable {
  /// One iterate of every image.
  public struct Row: Sendable {
    public let name: String
    public let success: Share
    /// For each of `thresholds` the joint successes with a map that close.
    public let jointSuccesses: [Share]
    public let meanTargetProbability: Double
  }

  /// One map of every image, beside the benign one.
  public struct MapRow: Sendable {
    public let name: String
    /// How many images have such a map.
    public let count: Int
    public let meanL1: Double?
    /// Over the images whose label is the target.
    public let meanL1OverSuccesses: Double?
    /// Over the `rankedCount` images whose two maps are not constant.
    public let meanSpearman: Double?
    public let rankedCount: Int
    public let meanTopOverlap: Double?
  }

  /// Of each iterate whose images a detector was asked about, how many it tells.
  public let detections: [(name: String, rates: [DetectionRate])]

  /// Map distances at which joint success is counted.
  public static let thresholds = [0.02, 0.04, 0.06, 0.08, 0.1]

  public let rows: [Row]
  public let maps: [MapRow]
  /// How many images there are.
  public let count: Int
  /// The map rows against which ratios are taken: PGD's last iterate and, last, that of PGD's three with the smallest mean
  /// L1, which may be one row; empty where PGD was not run beside.
  public let references: [MapRow]

  /// - Parameter records: of one job; at least one.
  public init(_ records: [AttackRecord]) {
    let attack = records.first?.settings.attack ?? ""
    var iterates = [(attack, records.map(\.png))]
    for name in (records.first?.others ?? []).map(\.name) {
      let judgements = records.compactMap { record in record.others.first { $0.name == name }?.png }
      iterates.append((name.contains(".") ? name : "\(attack).\(name)", judgements))
    }
    count = records.count
    rows = iterates.map { Row(name: $0, $1) }
    detections = iterates.map { ($0, DetectionRate.rates(of: $1)) }.filter { !$0.1.isEmpty }
    maps =
      iterates.map { MapRow(name: $0, $1) }
      + AttackRecord.Control.Kind.allCases.map { kind in
        MapRow(name: kind.words, records.compactMap { record in record.controls.first { $0.kind == kind }?.map })
      } + [MapRow(name: "original class", records.map(\.originalClass))] + MapRow.jitter(records.compactMap(\.jitter))
      + iterates.flatMap { MapRow.ofInterpreters(name: $0, $1) }
    let comparison = maps.filter { row in
      !row.name.contains(" on ") && ["pgd", "stadv"].contains { $0 != attack && row.name.hasPrefix($0 + ".") }
    }
    let last = comparison.first { $0.name.hasSuffix(".last") }
    let best = comparison.min { ($0.meanL1 ?? .infinity) < ($1.meanL1 ?? .infinity) }
    references = (last?.name == best?.name ? [best] : [last, best]).compactMap(\.self)
  }
}

extension AttackSummary.Row {
  init(name: String, _ judgements: [AttackRecord.Judgement]) {
    self.name = name
    success = Share(judgements.count(where: \.success), of: judgements.count)
    jointSuccesses = AttackSummary.thresholds.map { distance in
      Share(judgements.count { $0.succeeds(within: distance) }, of: judgements.count)
    }
    meanTargetProbability = mean(judgements.map(\.targetProbability)) ?? 0
  }
}

extension AttackSummary.MapRow {
  /// Of several interpreters at once each alone.
  fileprivate static func ofInterpreters(name: String, _ judgements: [AttackRecord.Judgement]) -> [Self] {
    (judgements.first?.maps ?? []).indices.map { index in
      let maps = judgements.compactMap(\.maps).map { $0[index] }
      return Self(name: "\(name) on \(maps[0].interpreter)", maps.map(\.map))
    }
  }

  /// Beside MASK: the attack under jitter it has not seen, how far that alone moves a map, and both images without any.
  fileprivate static func jitter(_ controls: [JitterControls]) -> [AttackSummary.MapRow] {
    guard let count = controls.first?.unseen.count else { return [] }
    return (0..<count).map { number in
      AttackSummary.MapRow(name: "unseen jitter \(number + 1)", controls.map { $0.unseen[number] })
    } + [
      AttackSummary.MapRow(name: "unchanged, other jitter", controls.map(\.floor)),
      AttackSummary.MapRow(name: "no jitter", controls.map(\.still)),
    ]
  }

  init(name: String, _ judgements: [AttackRecord.Judgement]) {
    self.name = name
    count = judgements.count
    meanL1 = mean(judgements.map(\.mapL1))
    meanL1OverSuccesses = mean(judgements.filter(\.success).map(\.mapL1))
    let correlations = judgements.compactMap(\.mapSpearman)
    meanSpearman = mean(correlations)
    rankedCount = correlations.count
    meanTopOverlap = mean(judgements.compactMap(\.mapTopOverlap))
  }

  init(name: String, _ comparisons: [MapComparison]) {
    self.name = name
    count = comparisons.count
    meanL1 = mean(comparisons.map(\.l1))
    meanL1OverSuccesses = nil
    let correlations = comparisons.compactMap(\.spearman)
    meanSpearman = mean(correlations)
    rankedCount = correlations.count
    meanTopOverlap = mean(comparisons.compactMap(\.topOverlap))
  }
}

func mean(_ numbers: [Double]) -> Double? {
  numbers.isEmpty ? nil : numbers.reduce(0, +) / Double(numbers.count)
}

extension AttackRecord.Control.Kind {
  fileprivate var words: String {
    switch self {
    case .noise: "uniform noise"
    case .otherImage: "another photo"
    case .constant: "constant map"
    case .cleanTarget: "unchanged, target class"
    }
  }
}
