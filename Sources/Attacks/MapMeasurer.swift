import Interpreters
import TensorTypes

/// Says what a classifier sees in images, and where an interpreter has it look.
///
/// Deterministic; images of a batch do not influence one another.
public protocol MapMeasurer {
  /// [B, h, w]
  var mapShape: Shape { get }
  /// What one measurement costs for each image.
  var sweeps: SweepCounts { get }
  /// What `benign` costs for each image.
  var benignSweeps: SweepCounts { get }
  /// Probabilities, and the map of one class of each image beside the benign one.
  /// - Parameters:
  ///   - x: pixels in [0, 1], NCHW.
  ///   - benign: the benign map of each image; without it distances are zero.
  /// - Throws: `AttackError`, or the error of the runner.
  func measure(_ x: [Float], shape: Shape, classes: [Int], benign: [[Float]]?) throws -> [Measurement]
  /// What the classifier sees in each image, at least at the cost of a forward sweep.
  func probabilities(_ x: [Float], shape: Shape) throws -> [[Float]]
  /// The labels of unchanged images, and the maps of these labels.
  func benign(_ batch: AttackBatch) throws -> [Measurement]
}

extension MapMeasurer {
  public func probabilities(_ x: [Float], shape: Shape) throws -> [[Float]] {
    try measure(x, shape: shape, classes: Array(repeating: 0, count: shape[0])).map(\.probabilities)
  }

  /// The label of each image.
  public func labels(_ x: [Float], shape: Shape) throws -> [Int] {
    try probabilities(x, shape: shape).map(indexOfMaximum)
  }

  public func measure(_ x: [Float], shape: Shape, classes: [Int]) throws -> [Measurement] {
    try measure(x, shape: shape, classes: classes, benign: nil)
  }

  public var benignSweeps: SweepCounts { sweeps + sweeps }

  public func benign(_ batch: AttackBatch) throws -> [Measurement] {
    let x = pixels(batch.levels)
    let labels = try measure(x, shape: batch.shape, classes: batch.targets).map(\.label)
    return try measure(x, shape: batch.shape, classes: labels)
  }
}

extension MapMeasurer {
  /// Judges images for the class that an attack went for: the target, or, without one, the most probable class other than
  /// the label that it left.
  /// - Parameter benign: the map of each image that distances are taken to.
  /// - Returns: beside the measurements the class of each. Cost: that of `measure`, twice where the attack has no target.
  public func judge(_ x: [Float], _ batch: AttackBatch, benign: [[Float]], isUntargeted: Bool = false) throws
    -> ([Measurement], classes: [Int])
  {
    var classes = batch.targets
    if isUntargeted {
      classes = try probabilities(x, shape: batch.shape).enumerated().map { image, probabilities in
        var others = probabilities
        others[batch.targets[image]] = -1
        return indexOfMaximum(others)
      }
    }
    return (try measure(x, shape: batch.shape, classes: classes, benign: benign), classes)
  }
}

/// Measures with the program `map`.
public struct ProgramMeasurer: MapMeasurer {
  public let mapShape: Shape
  public let sweeps: SweepCounts
  private let runner: any GraphRunner

  /// - Parameter mapSweeps: what the map costs beside the forward sweep.
  public init(_ runner: any GraphRunner, mapShape: Shape, mapSweeps: SweepCounts = SweepCounts()) {
    self.runner = runner
    self.mapShape = mapShape
    sweeps = SweepCounts(forward: 1 + mapSweeps.forward, backward: mapSweeps.backward)
  }

  public func measure(_ x: [Float], shape: Shape, classes: [Int], benign: [[Float]]?) throws -> [Measurement] {
    let outputs = try runner.run(
      AttackPrograms.mapName,
      ["x": HostTensor(shape, x), "class": HostTensor([shape[0]], classes.map { Int64($0) })])
    let maps = try outputs.floats("map", of: AttackPrograms.mapName)
    let probabilities = try outputs.floats("probabilities", of: AttackPrograms.mapName)
    let low = try outputs.floats("low", of: AttackPrograms.mapName)
    let extent = try outputs.floats("extent", of: AttackPrograms.mapName)
    let mapSize = maps.count / shape[0]
    let classCount = probabilities.count / shape[0]
    guard probabilities.allSatisfy(\.isFinite) else { throw AttackError.notFinite(graph: AttackPrograms.mapName, step: 0) }
    guard maps.allSatisfy(\.isFinite) else { throw AttackError.mapNotFinite }
    return (0..<shape[0]).map { image in
      let p = Array(probabilities[image * classCount..<(image + 1) * classCount])
      let map = Array(maps[image * mapSize..<(image + 1) * mapSize])
      var measurement = Measurement(
        label: indexOfMaximum(p), targetProbability: Double(p[classes[image]]), probabilities: p, map: map,
        rawRange: (low[image], extent[image]), l1: benign.map { MapMetrics.l1($0[image], map) } ?? 0)
      if let sums = outputs["sum"]?.floats { measurement.attributionSum = sums[image] }
      return measurement
    }
  }
}

/// The position of the largest element; the first wins ties.
public func indexOfMaximum(_ elements: [Float]) -> Int {
  var best = 0
  for index in elements.indices where elements[index] > elements[best] { best = index }
  return best
}

extension [String: HostTensor] {
  /// An output as f32 numbers.
  func floats(_ name: String, of graph: String) throws(AttackError) -> [Float] {
    guard let tensor = self[name] else { throw AttackError.missingOutput(graph: graph, name: name) }
    return tensor.floats
  }
}
