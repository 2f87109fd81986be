import Attacks

/// What several attacks together show: shares with 95 % intervals, and mean map distances over all images.
public struct AttackSummary: Sendable {
  public struct Row: Sendable {
    public let name: String
    public let success: Share
    public let jointSuccess: Share
    public let meanTargetProbability: Double
    public let meanMapL1: Double
  }

  public let rows: [Row]

  /// - Parameter records: of one job; at least one.
  public init(_ records: [AttackRecord]) {
    func row(_ name: String, _ judgements: [AttackRecord.Judgement]) -> Row {
      let count = judgements.count
      return Row(
        name: name, success: Share(judgements.count(where: \.success), of: count),
        jointSuccess: Share(judgements.count(where: \.jointSuccess), of: count),
        meanTargetProbability: judgements.reduce(0) { $0 + $1.targetProbability } / Double(max(count, 1)),
        meanMapL1: judgements.reduce(0) { $0 + $1.mapL1 } / Double(max(count, 1)))
    }
    let attack = records.first?.settings.attack ?? ""
    var rows = [row(attack, records.map(\.png))]
    for name in (records.first?.others ?? []).map(\.name) {
      rows.append(
        row(
          name.contains(".") ? name : "\(attack).\(name)",
          records.compactMap { record in record.others.first { $0.name == name }?.png }))
    }
    self.rows = rows
  }

  /// A table, one row for each iterate that is compared.
  public var text: String {
    let name = max(rows.map(\.name.count).max() ?? 0, 6)
    func padded(_ words: String, _ width: Int) -> String {
      words + String(repeating: " ", count: max(0, width - words.count))
    }
    func share(_ share: Share) -> String {
      let interval = share.interval
      return "\(share.count)/\(share.total) [\(fixed(interval.lowerBound, 2)), \(fixed(interval.upperBound, 2))]"
    }
    var lines = [
      padded("attack", name) + "  " + padded("target label", 20) + "  " + padded("joint success", 20)
        + "  mean p  mean map L1"
    ]
    for row in rows {
      lines.append(
        padded(row.name, name) + "  " + padded(share(row.success), 20) + "  " + padded(share(row.jointSuccess), 20) + "  "
          + fixed(row.meanTargetProbability, 3) + "   " + fixed(row.meanMapL1, 4))
    }
    return lines.joined(separator: "\n")
  }
}
