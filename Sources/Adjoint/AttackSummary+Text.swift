import Attacks

extension AttackSummary {
  /// Three tables: success of each iterate compared, joint success by map distance, and the maps with their controls; and
  /// where a detector was asked a fourth, of what it tells.
  public var text: String {
    let tables = [successTable, curveTable, mapTable] + (detections.isEmpty ? [] : [detectionTable])
    return tables.map(alignedText).joined(separator: "\n\n")
  }

  private var detectionTable: [[String]] {
    [["detected, of those with the target label"] + detections[0].rates.map(\.name)]
      + detections.map { [$0.name] + $0.rates.map { Self.words($0.share) } }
  }

  private var successTable: [[String]] {
    [["judged from the PNG", "target label", "mean p"]]
      + rows.map { [$0.name, Self.words($0.success), fixed($0.meanTargetProbability, 3)] }
  }

  private var curveTable: [[String]] {
    [["joint success, L1 within"] + Self.thresholds.map { fixed($0, 2) }]
      + rows.map { [$0.name] + $0.jointSuccesses.map(Self.words) }
  }

  private var mapTable: [[String]] {
    let names = references.enumerated().map { index, reference in
      "/ \(reference.name)" + (index == references.count - 1 ? " (best)" : "")
    }
    let head = ["map beside the benign one", "mean L1", "at success"] + names + ["Spearman", "top 10 %"]
    return [head]
      + maps.map { row in
        let name = row.count == count ? row.name : "\(row.name) (\(row.count) of \(count))"
        let ratios = references.map { reference in
          row.meanL1.flatMap { l1 in reference.meanL1.flatMap { $0 > 0 ? l1 / $0 : nil } }
        }
        let ranked = row.rankedCount == 0 || row.rankedCount == row.count ? "" : " (\(row.rankedCount))"
        return [name, Self.words(row.meanL1, 4), Self.words(row.meanL1OverSuccesses, 4)] + ratios.map { Self.words($0, 2) }
          + [Self.words(row.meanSpearman, 3) + ranked, Self.words(row.meanTopOverlap, 3)]
      }
  }

  private static func words(_ share: Share) -> String {
    func bound(_ number: Double) -> String {
      let digits = fixed(number, 2)
      return digits.hasPrefix("0") ? String(digits.dropFirst()) : digits
    }
    let interval = share.interval
    return "\(share.count)/\(share.total) [\(bound(interval.lowerBound)), \(bound(interval.upperBound))]"
  }

  private static func words(_ number: Double?, _ decimals: Int) -> String { number.map { fixed($0, decimals) } ?? "-" }
}
