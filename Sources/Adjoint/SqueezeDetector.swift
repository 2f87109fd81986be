import Attacks
import Files
import FoundationEssentials

/// A detector of attacks by squeezers, calibrated for one model.
public struct SqueezeDetector: Sendable, Codable {
  public let squeezers: [Squeezer]
  /// Of each squeezer, and last "joint", of the largest score.
  public let thresholds: [DetectionThreshold]
  public let modelSHA256: String
  /// The SHA-256 of the images that it was calibrated on.
  public let images: [String]
  public let version: String

  init(_ scores: [ImageScores], squeezers: [Squeezer], modelSHA256: String) {
    self.squeezers = squeezers
    self.modelSHA256 = modelSHA256
    images = scores.map(\.imageSHA256)
    version = adjointVersion
    thresholds =
      squeezers.enumerated().map { index, squeezer in
        DetectionThreshold(name: squeezer.name, scores: scores.map { $0.scores[index] })
      } + [DetectionThreshold(name: "joint", scores: scores.map(\.joint))]
  }

  /// - Throws: `FileError` for a file that holds no detector.
  public init(contentsOf path: String) throws(FileError) {
    let bytes = try readBytes(path, limit: 1 << 26)
    do {
      self = try JSONDecoder().decode(SqueezeDetector.self, from: Data(bytes))
    } catch { throw FileError("'\(path)' is no detector that detect -o has written") }
    guard thresholds.count == squeezers.count + 1 else {
      throw FileError("'\(path)' has \(thresholds.count) thresholds for \(squeezers.count) squeezers")
    }
  }

  public func write(to path: String) throws { try AtomicFile.write(try jsonLine(self) + "\n", to: path) }

  /// For each threshold whether the image's score exceeds it.
  func detections(_ image: ImageScores) -> [Bool] {
    zip(image.scores + [image.joint], thresholds).map { $0 > $1.threshold }
  }
}

/// How much each squeezer changes the prediction of one image.
public struct ImageScores: Sendable {
  public let path: String
  public let imageSHA256: String
  public let label: String
  public let probability: Double
  /// In the order of the squeezers.
  public let scores: [Double]
  public var joint: Double { scores.max() ?? 0 }
}
