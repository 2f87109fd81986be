/// A bound on a metric, such as `joint>0.1`, beyond which a run counts as failed.
public struct FailCondition: Sendable, Equatable {
  public enum Relation: String, Sendable, CaseIterable {
    case atLeast = ">="
    case atMost = "<="
    case above = ">"
    case below = "<"
  }

  public let metric: String
  public let relation: Relation
  public let bound: Double

  /// - Throws: `UsageError` for other words, and for a metric that does not exist.
  public init(_ words: String) throws(UsageError) {
    // The longer sign first.
    for relation in Relation.allCases {
      let parts = words.split(separator: relation.rawValue, omittingEmptySubsequences: false).map {
        String($0).trimming(" ")
      }
      guard parts.count == 2 else { continue }
      guard let bound = Double(parts[1]), bound.isFinite else {
        throw UsageError("'\(words)' bounds \(parts[0]) by '\(parts[1])', which is no number")
      }
      guard Self.exists(parts[0]) else {
        throw UsageError(
          "there is no metric '\(parts[0])'; \((EvaluationMetrics.judged + EvaluationMetrics.general).joined(separator: ", ")) "
            + "are known, those of maps also as noise.l1, unseen.l1, grad.spearman, pgd.last.joint, joint@0.06, iou@0.5, "
            + "detected@bits3")
      }
      (metric, self.relation, self.bound) = (parts[0], relation, bound)
      return
    }
    throw UsageError("'\(words)' is no condition; such as joint>0.1 is accepted")
  }

  private static func exists(_ name: String) -> Bool {
    if EvaluationMetrics.general.contains(name) { return true }
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    // joint@0.06 holds a point itself.
    if parts.count > 1, parts[parts.count - 2].contains("@") { parts.removeLast() }
    let base = parts.removeLast().split(separator: "@").first.map(String.init) ?? ""
    let owner = parts.joined(separator: ".")
    if EvaluationMetrics.owners.contains(owner) { return EvaluationMetrics.compared.contains(base) }
    let iterates = ["last", "stopped", "chosen"]
    let owners = ["", "float"] + iterates + iterates.flatMap { ["pgd." + $0, "stadv." + $0] }
    return owners.contains(owner) && EvaluationMetrics.judged.contains(base)
  }

  /// Whether it holds of a value.
  public func holds(_ value: Double) -> Bool {
    switch relation {
    case .atLeast: value >= bound
    case .atMost: value <= bound
    case .above: value > bound
    case .below: value < bound
    }
  }

  public var words: String { "\(metric) \(relation.rawValue) \(bound)" }
}

extension String {
  /// Without those characters at both ends.
  func trimming(_ characters: String) -> String {
    let start = drop { characters.contains($0) }
    return String(start.reversed().drop { characters.contains($0) }.reversed())
  }
}
