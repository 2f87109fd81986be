import Images

/// A picture of an experiment.
public struct ExperimentPicture: Sendable {
  /// What its file is called, without extension.
  public let name: String
  public let image: Image

  public init(_ name: String, _ image: Image) {
    self.name = name
    self.image = image
  }
}

extension ExperimentOutcome {
  /// Draws a chart, unless it is empty.
  mutating func add(_ chart: BarChart, _ name: String) throws(ImageError) {
    if !chart.groups.isEmpty { pictures.append(ExperimentPicture(name, try chart.rendered())) }
  }
}
