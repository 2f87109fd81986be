import Adjoint
import Foundation
import Testing

@Suite struct AttackSummaryTests {
  @Test(arguments: [
    (0.0385, 3, "0.039"), (0.0004, 3, "0.000"), (-0.0004, 3, "0.000"), (-1.25, 1, "-1.3"), (12, 0, "12"), (0.999, 2, "1.00"),
    (123.456, 2, "123.46"),
  ])
  func `numbers are printed with a fixed count of decimals`(number: Double, decimals: Int, words: String) {
    #expect(fixed(number, decimals) == words)
  }

  private func judgement(_ l1: Double, label: Int = 1, p: Double = 0.95, spearman: Double? = 0.5) -> [String: Any] {
    var members: [String: Any] = [
      "label": label, "targetProbability": p, "success": label == 1, "jointSuccess": false, "mapStatus": "drawn",
      "mapL1": l1, "mapL2": l1,
      "mapTopOverlap": 0.25, "mapCosine": 0.5, "rawMapRange": [0, 1],
    ]
    members["mapSpearman"] = spearman
    return members
  }

  /// A record as a line of results.jsonl holds it, of an attack on class 1 with PGD beside.
  private func record(_ png: [String: Any], pgd: [Double], noise: Double, other: Double?) throws -> AttackRecord {
    func map(_ l1: Double) -> [String: Any] { ["l1": l1, "l2": l1, "spearman": 0.5, "topOverlap": 0.5, "cosine": 0.5] }
    let norms = ["l0": 0, "l1": 0, "l2": 0, "linf": 0]
    let sweeps = ["forward": 1, "backward": 1, "secondOrder": 0]
    let neighbour: [String: Any] =
      other.map { ["kind": "otherImage", "image": "b", "map": map($0)] } ?? ["kind": "otherImage", "unavailable": "alone"]
    let members: [String: Any] = [
      "image": "a", "path": "a.png", "imageSHA256": "", "label": 0, "labelName": "0", "labelProbability": 0.5, "target": 1,
      "targetName": "1", "benignMapStatus": "drawn", "benignRawMapRange": [0, 1], "step": 1, "passedCheck": true,
      "float": png, "png": png, "ssim": 1, "floatSSIM": 1, "perturbation": norms, "floatPerturbation": norms,
      "others": zip(["pgd.last", "pgd.stopped", "pgd.chosen"], pgd).map { name, l1 in
        ["name": name, "step": 1, "png": judgement(l1)] as [String: Any]
      },
      "controls": [["kind": "noise", "map": map(noise)], neighbour], "originalClass": map(0.5), "sweeps": sweeps,
      "comparisonSweeps": sweeps, "seconds": 1, "threads": 1,
      "settings": [
        "attack": "adv2", "interpreter": "grad", "interpreterOptions": [:] as [String: String], "mode": "default",
        "eps": 0.1, "alpha": 0.1, "steps": 1, "warm": 1,
        "coefficient": 1, "confidence": 0.9, "compare": true, "seed": 0, "options": [String: String](), "batch": 1,
        "processor": "", "preprocessing": "",
        "modelSHA256": "", "version": "",
      ] as [String: Any],
    ]
    return try JSONDecoder().decode(AttackRecord.self, from: try JSONSerialization.data(withJSONObject: members))
  }

  @Test func `shares and means are over all images, and ratios to the last and the best of PGD`() throws {
    let summary = AttackSummary([
      try record(judgement(0.01), pgd: [0.5, 0.25, 0.125], noise: 0.25, other: 0.5),
      try record(judgement(0.05, spearman: 0.25), pgd: [0.25, 0.125, 0.25], noise: 0.5, other: nil),
      // No attack, though the map is close; no confidence; a blank map.
      try record(judgement(0.09, label: 2), pgd: [0.25, 0.125, 0.25], noise: 0.75, other: nil),
      try record(judgement(0.01, p: 0.89), pgd: [0.25, 0.125, 0.25], noise: 0.25, other: nil),
      try record(judgement(0.01, spearman: nil), pgd: [0.25, 0.125, 0.25], noise: 0.25, other: nil),
    ])
    let row = try #require(summary.rows.first)
    #expect(row.success.count == 4 && row.success.total == 5)
    #expect(row.jointSuccesses.map(\.count) == [1, 1, 2, 2, 2])
    let map = try #require(summary.maps.first)
    #expect(abs(try #require(map.meanL1) - 0.17 / 5) < 1e-12)
    #expect(abs(try #require(map.meanL1OverSuccesses) - 0.08 / 4) < 1e-12)
    #expect(map.rankedCount == 4 && map.meanSpearman == (0.5 + 0.25 + 0.5 + 0.5) / 4 && map.meanTopOverlap == 0.25)
    #expect(summary.references.map(\.name) == ["pgd.last", "pgd.stopped"])
    #expect(summary.references.map(\.meanL1) == [0.3, 0.15])
    let lines = summary.text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    func line(_ start: [String]) -> [String]? { lines.last { $0.starts(with: start) } }
    #expect(line(["adv2"]) == ["adv2", "0.0340", "0.0200", "0.11", "0.23", "0.438", "(4)", "0.250"])
    #expect(line(["uniform"]) == ["uniform", "noise", "0.4000", "-", "1.33", "2.67", "0.500", "0.500"])
    #expect(line(["another"])?.starts(with: ["another", "photo", "(1", "of", "5)", "0.5000"]) == true)
    #expect(line(["constant"])?.starts(with: ["constant", "map", "(0", "of", "5)", "-"]) == true)
  }

  @Test func `one reference is enough when PGD's last iterate is its best`() throws {
    let summary = AttackSummary([try record(judgement(0.01), pgd: [0.125, 0.25, 0.25], noise: 0.25, other: 0.5)])
    #expect(summary.references.map(\.name) == ["pgd.last"])
    #expect(summary.text.contains("/ pgd.last (best)"))
  }
}
