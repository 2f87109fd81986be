/// Whether a map shows anything.
public enum MapStatus: String, Sendable, Codable {
  case drawn
  /// The raw map is the same everywhere, as that of Grad-CAM is where no place speaks for the class.
  case blank
}

/// What a classifier and an interpreter say about one image of an attack.
public struct Measurement: Sendable, Equatable {
  public let label: Int
  public let targetProbability: Double
  public let probabilities: [Float]
  /// Of the class the measurement was made for.
  public let map: [Float]
  /// Minimum of the raw map, and its maximum minus its minimum.
  public let rawRange: (low: Float, extent: Float)
  /// Distance of the map to the benign one.
  public let l1: Double

  /// The sum of the attributions that the map shows, of an interpreter that averages gradients.
  public var attributionSum: Float?

  public var mapStatus: MapStatus { rawRange.extent > 0 ? .drawn : .blank }

  public static func == (a: Measurement, b: Measurement) -> Bool {
    a.probabilities == b.probabilities && a.map == b.map && a.rawRange == b.rawRange && a.l1 == b.l1
  }
}
