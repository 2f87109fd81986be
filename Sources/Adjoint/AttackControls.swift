import Arrays
import Attacks
import TensorTypes

/// What of a batch is measured beside its attack, so that its map distances can be judged: maps that no attack made, and the
/// map of the class that the attack leaves.
struct AttackControls {
  /// Of each image, in the order of `AttackRecord.Control.Kind`.
  let controls: [[AttackRecord.Control]]
  /// The map of the original label on the adversarial image.
  let originalClass: [MapComparison]

  /// Cost: three maps of the batch.
  /// - Parameters:
  ///   - benign: what `MapMeasurer.benign` says about the batch.
  ///   - adversarial: the judged pixels.
  ///   - neighbours: for each image that is no padding, the next image of the job and its benign map.
  init(
    _ batch: AttackBatch, benign: [Measurement], adversarial: [Float], neighbours: [(image: String, map: [Float])?],
    _ measurer: any MapMeasurer, _ settings: AttackSettings
  ) throws {
    let labels = benign.map(\.label)
    func maps(_ x: [Float], of classes: [Int]) throws -> [[Float]] {
      try measurer.measure(x, shape: batch.shape, classes: classes).map(\.map)
    }
    let noisy = (0..<batch.count).flatMap { image in
      settings.threat.withNoise(Array(batch.levels[batch.range(image)]), seed: settings.seed)
    }
    let noise = try maps(pixels(noisy), of: labels)
    let cleanTarget = try maps(pixels(batch.levels), of: batch.targets)
    let original = try maps(adversarial, of: labels)
    controls = neighbours.enumerated().map { image, neighbour in
      let map = benign[image].map
      let mean: Double = map.reduce(0) { $0 + Double($1) } / Double(max(map.count, 1))
      return [
        settings.method.isFlow
          ? .init(.noise, unavailable: "no eps bounds a flow") : .init(.noise, MapComparison(noise[image], benign: map)),
        neighbour.map { .init(.otherImage, MapComparison($0.map, benign: map), image: $0.image) }
          ?? .init(.otherImage, unavailable: "the job has one image"),
        .init(.constant, MapComparison([Float](repeating: Float(mean), count: map.count), benign: map)),
        .init(.cleanTarget, MapComparison(cleanTarget[image], benign: map)),
      ]
    }
    originalClass = neighbours.indices.map { MapComparison(original[$0], benign: benign[$0].map) }
  }
}

/// The images of a job in their order: the benign map of each is a control of the one before.
struct NeighbouringMaps {
  private let order: [String]
  private let maps: [String: [Float]]
  private let mapShape: Shape
  private let output: OutputDirectory

  /// - Parameters:
  ///   - order: the names of all images that the job attacks or has attacked.
  ///   - maps: the benign maps of those that it attacks; those of the others are in their files.
  ///   - mapShape: [B, h, w]
  init(order: [String], maps: [String: [Float]], mapShape: Shape, output: OutputDirectory) {
    self.order = order
    self.maps = maps
    self.mapShape = Shape(Array(mapShape.extents.dropFirst()))
    self.output = output
  }

  /// The image after one, and its benign map; nil where there is no other.
  /// - Throws: `ArrayFileError`, and `FileError` for a file without the map.
  func neighbour(of name: String) throws -> (image: String, map: [Float])? {
    guard order.count > 1, let index = order.firstIndex(of: name) else { return nil }
    let next = order[(index + 1) % order.count]
    if let map = maps[next] { return (next, map) }
    let path = output.file(next + ".npz")
    guard let map = try NPZ.read(path: path).first(where: { $0.name == "mapBenign" })?.tensor,
      map.type == TensorType(.float32, mapShape)
    else {
      throw FileError(
        "'\(path)' lacks the array mapBenign \(TensorType(.float32, mapShape)); "
          + "remove the file, and its image is attacked again"
      )
    }
    return (next, map.floats)
  }
}
