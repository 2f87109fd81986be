/// How a flow moves the pixels of an image.
public struct FlowMeasurement: Sendable, Codable, Equatable {
  /// Σ over the pixels and their four diagonal neighbours of the distance between their flows, as ``flowLoss(_:)`` without its
  /// constant.
  public let loss: Double
  /// How far pixels move, in pixels: the mean, and what 99 % of them do not exceed.
  public let meanDisplacement: Double
  public let displacementPercentile99: Double

  /// - Parameter flow: [2, height, width]
  public init(_ flow: [Float], height: Int, width: Int) {
    let area = height * width
    func length(_ down: Float, _ right: Float) -> Double {
      (Double(down) * Double(down) + Double(right) * Double(right)).squareRoot()
    }
    var sum = 0.0
    for row in 0..<height {
      for column in 0..<width {
        let own = row * width + column
        for (below, beside) in [(-1, -1), (-1, 1), (1, -1), (1, 1)] {
          let other = min(max(row + below, 0), height - 1) * width + min(max(column + beside, 0), width - 1)
          sum += length(flow[own] - flow[other], flow[area + own] - flow[area + other])
        }
      }
    }
    loss = sum
    let lengths = (0..<area).map { length(flow[$0], flow[area + $0]) }.sorted()
    meanDisplacement = lengths.reduce(0, +) / Double(max(area, 1))
    displacementPercentile99 = lengths.isEmpty ? 0 : lengths[(99 * area + 99) / 100 - 1]
  }
}
