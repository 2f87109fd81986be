import Attacks
import Hashing
import Images
import TensorTypes

/// Scores images by how much squeezers change their predictions; calibrates detectors, and asks them.
public struct DetectionJob {
  private let programs: ModelPrograms
  private let model: ClassifierInterface
  private let measurer: any MapMeasurer

  /// - Throws: `UsageError` for programs without a map.
  public init(_ programs: ModelPrograms, threads: Int? = nil) throws {
    self.programs = programs
    let (model, map) = try programs.classifier(with: .map)
    self.model = model
    measurer = ProgramMeasurer(try programs.runner(threads: threads), mapShape: map.shape, mapSweeps: map.sweeps)
  }

  /// An image of the model's size is taken as it is, as an attack wrote it; others are resized as photos are.
  private func levels(_ path: String) throws -> [UInt8] {
    let image = try Image(contentsOf: path)
    let isSized = image.width == model.imageShape[3] && image.height == model.imageShape[2]
    return model.levels(isSized ? image : try model.photo(at: path))
  }

  /// The scores of images in their order.
  /// Cost: for each image a prediction, and one more for each squeezer.
  public func scores(_ images: [String], _ squeezers: [Squeezer], progress: (Int) throws -> Void = { _ in }) throws
    -> [ImageScores]
  {
    let batch = model.batch
    var results: [ImageScores] = []
    for first in stride(from: 0, to: images.count, by: batch) {
      let part = Array(images.dropFirst(first).prefix(batch))
      let loaded = try part.map(levels)
      let shape = model.imageShape
      let full = (loaded + Array(repeating: loaded[loaded.count - 1], count: batch - part.count)).flatMap(\.self)
      let own = try measurer.measure(pixels(full), shape: shape, classes: [Int](repeating: 0, count: batch))
      let scores = try measurer.squeezingScores(full, shape: shape, squeezers, own: own.map(\.probabilities))
      for (index, path) in part.enumerated() {
        results.append(
          ImageScores(
            path: path, imageSHA256: SHA256.hexDigest(of: try readBytes(path)), label: model.labels.name(own[index].label),
            probability: Double(own[index].probabilities[own[index].label]),
            scores: scores[index]))
      }
      try progress(results.count)
    }
    return results
  }

  /// A detector that takes 5 % of such images for attacks.
  /// - Throws: `UsageError` for fewer than 100 images, or for the same image twice.
  public func calibrated(on images: [String], _ squeezers: [Squeezer], progress: (Int) throws -> Void = { _ in }) throws
    -> SqueezeDetector
  {
    guard images.count >= DetectionThreshold.minimumCount else {
      throw UsageError(
        "\(images.count) images; to calibrate a detector at least \(DetectionThreshold.minimumCount) are needed")
    }
    let scores = try scores(images, squeezers, progress: progress)
    guard Set(scores.map(\.imageSHA256)).count == scores.count else {
      throw UsageError("the same image is among those to calibrate on more than once")
    }
    return SqueezeDetector(scores, squeezers: squeezers, modelSHA256: programs.facts.sha256)
  }

  /// The scores of images, and for each threshold of a detector whether it is exceeded.
  /// - Throws: `UsageError` for a detector of another model, or an image that it was calibrated on.
  public func detected(_ images: [String], by detector: SqueezeDetector, progress: (Int) throws -> Void = { _ in }) throws
    -> [(image: ImageScores, detections: [Detection])]
  {
    try detector.check(modelSHA256: programs.facts.sha256)
    return try scores(images, detector.squeezers, progress: progress).map { image in
      try detector.check(imageAt: image.path, sha256: image.imageSHA256)
      return (image, detector.detections(image.scores))
    }
  }
}
