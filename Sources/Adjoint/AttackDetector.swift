import Attacks
import Files
import FoundationEssentials
import Hashing

/// A detector of attacks, calibrated for one model: by squeezers, or by how much the maps of several interpreters disagree.
public struct AttackDetector: Sendable, Codable {
  /// Empty where it compares maps.
  public let squeezers: [Squeezer]
  /// The interpreters whose maps it compares (`MapDisagreement`); nil where it squeezes.
  public let maps: [String]?
  /// Of each squeezer, and last "joint", of the largest score; of maps one, "maps".
  public let thresholds: [DetectionThreshold]
  public let modelSHA256: String
  /// The SHA-256 of the images that it was calibrated on.
  public let images: [String]
  public let version: String

  init(_ scores: [ImageScores], _ basis: DetectorBasis, modelSHA256: String) {
    squeezers = basis.squeezers
    maps = basis.maps
    self.modelSHA256 = modelSHA256
    images = scores.map(\.imageSHA256)
    version = adjointVersion
    thresholds = basis.thresholdNames.enumerated().map { index, name in
      DetectionThreshold(name: name, scores: scores.map { $0.scores[index] })
    }
  }

  /// - Throws: `FileError` for a file that holds no detector.
  public init(contentsOf path: String) throws(FileError) {
    let bytes = try readBytes(path, limit: 1 << 26)
    do {
      self = try JSONDecoder().decode(AttackDetector.self, from: Data(bytes))
    } catch { throw FileError("'\(path)' is no detector that detect -o has written") }
    guard thresholds.map(\.name) == basis.thresholdNames else {
      throw FileError("'\(path)' has thresholds that are not those of \(basis.thresholdNames.joined(separator: ", "))")
    }
  }

  public func write(to path: String) throws { try AtomicFile.write(try jsonLine(self) + "\n", to: path) }

  public var basis: DetectorBasis { maps.map(DetectorBasis.maps) ?? .squeezers(squeezers) }

  /// For each threshold what it says about an image.
  /// - Parameter scores: in the order of the thresholds.
  func detections(_ scores: [Double]) -> [Detection] {
    zip(scores, thresholds).map {
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
  /// Of the threshold: a squeezer's, "joint", or "maps".
  public let name: String
  public let score: Double
  /// Whether the score exceeds the threshold.
  public let isDetected: Bool
}

/// What a detector asks of images.
public enum DetectorBasis: Sendable, Equatable {
  case squeezers([Squeezer])
  /// Interpreters, at least two.
  case maps([String])

  public var squeezers: [Squeezer] { if case .squeezers(let squeezers) = self { squeezers } else { [] } }
  public var maps: [String]? { if case .maps(let names) = self { names } else { nil } }
  var thresholdNames: [String] { maps == nil ? squeezers.map(\.name) + ["joint"] : ["maps"] }
}

/// How much one image looks like an attack.
public struct ImageScores: Sendable {
  public let path: String
  public let imageSHA256: String
  public let label: String
  public let probability: Double
  /// In the order of the detector's thresholds.
  public let scores: [Double]
}
