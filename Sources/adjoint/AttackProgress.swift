import Adjoint
import Attacks

/// What a job tells while it runs, on the terminal.
enum AttackProgress {
  static func show(_ event: AttackJob.Event, _ progress: ProgressBar) throws {
    switch event {
    case .compiling: progress.begin("compiling", total: nil)
    case .classifying(let done, let total):
      progress.begin("classifying", total: total)
      progress.update(done)
    case .misclassified(let image, let label): try progress.print("\(image): left out, the model sees \(label)", to: .error)
    case .attacking(_, let steps): progress.begin("attacking", total: steps)
    case .step(let done): progress.update(done)
    case .skipped(let record): try progress.print("\(verdict(record)) (finished before)")
    case .finished(let record): try progress.print(verdict(record))
    case .failed(let failure): try progress.print("\(failure.image): not attacked: \(failure.error)", to: .error)
    case .timeIsOver(let leftOut): try progress.print("time is over; \(leftOut) images are left out", to: .error)
    }
  }

  /// Label before and after with probabilities, map distance, and time: as measured from the decoded PNG.
  private static func verdict(_ record: AttackRecord) -> String {
    let after =
      record.png.success
      ? "\(record.targetName) \(fixed(record.png.targetProbability, 3))"
      : "not \(record.targetName) (\(fixed(record.png.targetProbability, 3)))"
    let comparison =
      record.comparison.map {
        ", under \($0.name == "pgd.last" ? "PGD" : "stAdv") \(fixed($0.png.mapL1, 3))"
      } ?? ""
    let moved = record.flow.map { ", pixels moved by \(fixed($0.meanDisplacement, 2))" } ?? ""
    let blank = record.png.mapStatus == .blank ? " (blank map)" : ""
    return "\(record.image): \(record.labelName) \(fixed(record.labelProbability, 3)) -> \(after), "
      + "map distance \(fixed(record.png.mapL1, 3))\(blank)\(comparison)\(moved)"
      + (record.cut == true ? ", cut when time was over" : "")
      + (record.seconds.map { ", \(fixed($0, 1)) s" } ?? "")
  }
}
