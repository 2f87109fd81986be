import Arrays
import Attacks
import Files
import Images
import TensorTypes

/// Writes the heatmaps of images.
public struct ExplainJob {
  public struct Explanation: Sendable {
    public let image: String
    public let label: Int
    /// The class that the map is of.
    public let explained: Int
    public let probabilities: [Float]
    public let map: [Float]
    public let mapStatus: MapStatus
  }

  private let programs: ModelPrograms
  private let model: ClassifierInterface
  private let map: ModelFacts.MapFacts
  private let threads: Int?
  private let seed: UInt64
  private let output: OutputDirectory

  /// - Parameter seed: decides the jitter of MASK.
  /// - Throws: `UsageError` for programs without a map.
  public init(_ programs: ModelPrograms, threads: Int? = nil, seed: UInt64 = 0, output: OutputDirectory) throws(UsageError) {
    self.programs = programs
    (model, map) = try programs.classifier(with: .map)
    self.threads = threads
    self.seed = seed
    self.output = output
  }

  /// In a sentence what of the images the interpreter leaves out; nil where it takes all of them.
  public var remark: String? { programs.remark }
  public var labels: Labels { model.labels }

  /// For each image the map of a class, or of the label where none is given.
  public func run(_ images: [String], explaining words: String?, done: (Explanation) throws -> Void = { _ in }) throws {
    let names = try output.names(for: images, extensions: [".npz", ".\(map.interpreter.name).png"])
    let explained = try words.map { words throws(UsageError) in try model.labels.index(of: words) }
    let photos = try images.map(model.photo)
    let measurer = try map.measurer(try programs.runner(threads: threads), imageShape: model.imageShape, seed: seed)
    let batch = model.batch
    for first in stride(from: 0, to: images.count, by: batch) {
      let part = Array(photos.dropFirst(first).prefix(batch))
      let levels = (part + Array(repeating: part[part.count - 1], count: batch - part.count)).flatMap { model.levels($0) }
      let classes = [Int](repeating: explained ?? 0, count: batch)
      let measured =
        explained == nil
        ? try measurer.benign(AttackBatch(shape: model.imageShape, levels: levels, targets: classes))
        : try measurer.measure(pixels(levels), shape: model.imageShape, classes: classes)
      for (index, photo) in part.enumerated() {
        let name = names[first + index]
        let measurement = measured[index]
        let explanation = Explanation(
          image: name, label: measurement.label, explained: explained ?? measurement.label,
          probabilities: measurement.probabilities, map: measurement.map, mapStatus: measurement.mapStatus)
        try write(explanation, photo, measurer)
        try done(explanation)
      }
    }
  }

  private func write(_ explanation: Explanation, _ photo: Image, _ measurer: any MapMeasurer) throws {
    let mapShape = Shape(Array(map.shape.extents.dropFirst()))
    var arrays = [
      ("map", HostTensor(mapShape, explanation.map)), ("class", HostTensor(.scalar, [Int64(explanation.explained)])),
      ("probabilities", HostTensor([explanation.probabilities.count], explanation.probabilities)),
    ]
    if let mask = measurer as? MaskMeasurer { arrays.append(("jitter", mask.offsets)) }
    try NPZ.write(arrays, to: output.file(explanation.image + ".npz"))
    let heatmap = Images.Heatmap(width: mapShape[1], height: mapShape[0], values: explanation.map)
    try AtomicFile.write(
      try heatmap.overlaid(on: photo).encodedPNG(), to: output.file("\(explanation.image).\(map.interpreter.name).png"))
  }
}
