import Adjoint
import Attacks

/// Squeezers calibrated on photos that no run attacked, and asked about the images of runs.
struct RunDetection {
  private let options: ExperimentJob.Options
  private let job: DetectionJob

  /// - Throws: `UsageError` where too few photos would be left to calibrate on.
  static func check(_ options: ExperimentJob.Options, for id: String) throws {
    let (count, needed) = (try photos(options).count, DetectionThreshold.minimumCount)
    let attacked = options.split == nil ? min(options.limit ?? count, count) : 0
    guard count - attacked < needed else { return }
    throw UsageError(
      "\(id) calibrates squeezers on at least \(needed) photos that it does not attack, and '\(options.data)' holds \(count)"
        + (options.split.map { " that are not of \($0.rawValue)" } ?? "")
        + (count > needed ? "; -n \(count - needed) or less is accepted" : ""))
  }

  /// All photos of a call, or those that its split leaves: thresholds are constants, too.
  private static func photos(_ options: ExperimentJob.Options) throws -> [String] {
    guard let labels = try Self.programs(options).facts.classifier?.labels else { return [] }
    return try EvaluationData(options.data, labels: labels).photos(beside: options.split).map(\.path)
  }

  private static func programs(_ options: ExperimentJob.Options) throws -> ModelPrograms {
    try options.programs(of: .first, .map, InterpreterChoice("grad"))
  }

  init(_ options: ExperimentJob.Options) throws {
    self.options = options
    job = try DetectionJob(
      [try Self.programs(options)], .squeezers(AdaptedAttacks.squeezers), threads: options.execution.threads)
  }

  /// A detector that has seen all photos but those.
  /// - Throws: `UsageError` for fewer than 100 photos, or for the same photo twice.
  /// Cost: for each photo a prediction, and one more for each squeezer.
  func calibrated(without attacked: Set<String>, progress: (_ done: Int, _ total: Int) throws -> Void) throws
    -> AttackDetector
  {
    let photos = try Self.photos(options).filter { !attacked.contains($0) }
    return try job.calibrated(on: photos) { try progress($0, photos.count) }
  }

  /// Of each threshold the share that it tells, of a run's images with the target label; nil for a run that is missing.
  func shares(_ state: RunState, of detector: AttackDetector) throws -> [Share]? {
    guard let run = state.finished else { return nil }
    let successes = run.records.filter(\.png.success).map { run.png(of: $0.image) }
    let results = try job.detected(successes, by: detector)
    return detector.thresholds.indices.map { index in
      Share(results.count { $0.detections[index].isDetected }, of: results.count)
    }
  }
}
