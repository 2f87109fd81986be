import Attacks
import Files
import FoundationEssentials
import Hashing

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

  /// For each threshold what it says about an image.
  /// - Parameter scores: in the order of the squeezers.
  func detections(_ scores: [Double]) -> [Detection] {
    zip(scores + [scores.max() ?? 0], thresholds).map {
      Detection(name: $1.name, score: $0, isDetected: $0 > $1.threshold)
    }
  }

  /// Those of the squeezers.
  public var squeezeThresholds: SqueezeThresholds {
    SqueezeThresholds(squeezers, thresholds.prefix(squeezers.count).map(\.threshold))
  }

  /// What identifies it in the settings of a result.
  /// - Throws: what encoding throws.
  func digest() throws -> String { SHA256.hexDigest(of: Array(try jsonLine(self).utf8)) }

  /// - Throws: `UsageError` for a detector of another model.
  func check(modelSHA256: String) throws(UsageError) {
    guard self.modelSHA256 == modelSHA256 else {
      throw UsageError("the detector was calibrated for another model (SHA-256 \(self.modelSHA256))")
    }
  }

  /// - Throws: `UsageError` for an image that it was calibrated on.
  func check(imageAt path: String, sha256: String) throws(UsageError) {
    guard !images.contains(sha256) else {
      throw UsageError("the detector was calibrated on '\(path)': choose images that it has not seen")
    }
  }
}

/// What one threshold of a detector says about one image.
public struct Detection: Sendable, Codable, Equatable {
  /// Of the threshold: a squeezer's, or "joint".
  public let name: String
  public let score: Double
  /// Whether the score exceeds the threshold.
  public let isDetected: Bool
}

/// How much each squeezer changes the prediction of one image.
public struct ImageScores: Sendable {
  public let path: String
  public let imageSHA256: String
  public let label: String
  public let probability: Double
  /// In the order of the squeezers.
  public let scores: [Double]
  var joint: Double { scores.max() ?? 0 }
}
