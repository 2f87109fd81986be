import Attacks
import Hashing
import Images
import TensorTypes

/// Scores images by how much squeezers change their predictions, or by how much their maps disagree; calibrates detectors,
/// and asks them.
public struct DetectionJob {
  private let programs: ModelPrograms
  private let basis: DetectorBasis
  private let model: ClassifierInterface
  private let measurer: any MapMeasurer
  private let scorer: any ImageScorer

  /// - Parameter programs: of one interpreter, whichever it is, where the basis is squeezers; otherwise of each interpreter.
  /// - Throws: `UsageError` for programs without a map.
  public init(_ programs: [ModelPrograms], _ basis: DetectorBasis, threads: Int? = nil) throws {
    let measurers = try programs.map { try $0.measurer(threads: threads) }
    guard let first = programs.first, let measurer = measurers.first else { throw UsageError("a detector needs programs") }
    self.programs = first
    self.basis = basis
    self.measurer = measurer
    model = try first.classifier(with: .map).interface
    switch basis {
    case .squeezers(let squeezers):
      scorer = SqueezeScorer(measurer: measurer, squeezers: squeezers, shape: model.imageShape)
    case .maps: scorer = DisagreementScorer(measurers: measurers, shape: model.imageShape)
    }
  }

  /// An image of the model's size is taken as it is, as an attack wrote it; others are resized as photos are.
  private func levels(_ path: String) throws -> [UInt8] {
    let image = try Image(contentsOf: path)
    let isSized = image.width == model.imageShape[3] && image.height == model.imageShape[2]
    return model.levels(isSized ? image : try model.photo(at: path))
  }

  /// The scores of images in their order.
  /// Cost: for each image a prediction, and one more for each squeezer, or the map of each interpreter.
  public func scores(_ images: [String], progress: (Int) throws -> Void = { _ in }) throws -> [ImageScores] {
    var results: [ImageScores] = []
    for first in stride(from: 0, to: images.count, by: model.batch) {
      let part = Array(images.dropFirst(first).prefix(model.batch))
      do { results += try scores(ofBatch: part) } catch var error as NonFiniteError where images.count > 1 {
        error.path = error.position.map { part[min($0, part.count - 1)] }
        throw error
      }
      try progress(results.count)
    }
    return results
  }

  private func scores(ofBatch paths: [String]) throws -> [ImageScores] {
    let loaded = try paths.map(levels)
    let full = (loaded + Array(repeating: loaded[loaded.count - 1], count: model.batch - paths.count)).flatMap(\.self)
    let own = try measurer.probabilities(pixels(full), shape: model.imageShape)
    let scores = try scorer.scores(full, own: own)
    return try paths.enumerated().map { index, path in
      ImageScores(
        path: path, imageSHA256: SHA256.hexDigest(of: try readBytes(path)),
        label: model.labels.name(indexOfMaximum(own[index])), probability: Double(own[index].max() ?? 0),
        scores: scores[index])
    }
  }

  /// A detector that takes 5 % of such images for attacks.
  /// - Throws: `UsageError` for fewer than 100 images, or for the same image twice.
  public func calibrated(on images: [String], progress: (Int) throws -> Void = { _ in }) throws -> AttackDetector {
    guard images.count >= DetectionThreshold.minimumCount else {
      throw UsageError(
        "\(images.count) images; to calibrate a detector at least \(DetectionThreshold.minimumCount) are needed")
    }
    let scores = try scores(images, progress: progress)
    guard Set(scores.map(\.imageSHA256)).count == scores.count else {
      throw UsageError("the same image is among those to calibrate on more than once")
    }
    return AttackDetector(scores, basis, modelSHA256: programs.facts.sha256)
  }

  /// The scores of images, and for each threshold of a detector whether it is exceeded.
  /// - Throws: `UsageError` for a detector of another model, or an image that it was calibrated on.
  public func detected(_ images: [String], by detector: AttackDetector, progress: (Int) throws -> Void = { _ in }) throws
    -> [(image: ImageScores, detections: [Detection])]
  {
    try detector.check(modelSHA256: programs.facts.sha256)
    return try scores(images, progress: progress).map { image in
      try detector.check(imageAt: image.path, sha256: image.imageSHA256)
      return (image, detector.detections(image.scores))
    }
  }
}
