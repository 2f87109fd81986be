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
    /// Of integrated gradients.
    public let completeness: Completeness?
  }

  /// What integrated gradients share out, and what they should.
  public struct Completeness: Sendable, Equatable {
    public let attributionSum: Double
    /// The probability of the class, and that of the baseline image.
    public let probability: Double
    public let baselineProbability: Double
  }

  private let programs: ModelPrograms
  private let model: ClassifierInterface
  private let map: ModelFacts.MapFacts
  private let threads: Int?
  private let seed: UInt64
  private let output: OutputDirectory

  /// - Parameter seed: decides the jitter of MASK and the noise of SmoothGrad.
  /// - Throws: `UsageError` for programs without a map.
  public init(_ programs: ModelPrograms, threads: Int? = nil, seed: UInt64 = 0, output: OutputDirectory) throws(UsageError) {
    self.programs = programs
    (model, map) = try programs.classifier(with: .map)
    if map.interpreter.parts.count > 1 {
      throw UsageError("explain draws the map of one interpreter, not of \(map.interpreter.name)")
    }
    self.threads = threads
    self.seed = seed
    self.output = output
  }

  /// In a sentence what of the images the interpreter leaves out; nil where it takes all of them.
  public var remark: String? { programs.remark }
  public var labels: Labels { model.labels }

  private struct Photo {
    let name: String
    let image: Image
  }

  /// For each image the map of a class, or of the label where none is given. Of several images one that cannot be explained
  /// is told to `failed`, and the others go on.
  /// - Throws: the first error of a single image, and whatever is not about images.
  public func run(
    _ images: [String], explaining words: String?, failed: (_ image: String, _ why: String) throws -> Void = { _, _ in },
    done: (Explanation) throws -> Void = { _ in }
  ) throws {
    let names = try output.names(for: images, extensions: [".npz", ".\(map.interpreter.name).png"])
    let explained = try words.map { words throws(UsageError) in try model.labels.index(of: words) }
    var photos: [Photo] = []
    for (name, path) in zip(names, images) {
      do { photos.append(Photo(name: name, image: try model.photo(at: path))) } catch let error
        where images.count > 1 && error.isAboutImage
      {
        try failed(name, "\(error)")
      }
    }
    if photos.isEmpty { return }
    let watch = try programs.watchedRunner(threads: threads)
    let runner = try map.runner(watch, imageShape: model.imageShape, seed: seed)
    let measurer = try map.measurer(runner, imageShape: model.imageShape, seed: seed)
    let baseline = try watch.naming { try baselineProbabilities(measurer) }

    /// Where a batch fails, each of its photos is explained alone, so that only those fail that are at fault.
    func explain(_ part: [Photo]) throws {
      let measured: [Measurement]
      do { measured = try measurements(part, explained, measurer) } catch let error where error.isAboutImage {
        if part.count > 1 { return try part.forEach { try explain([$0]) } }
        let named = watch.naming(error)
        guard images.count > 1 else { throw named }
        return try failed(part[0].name, "\(named)")
      }
      for (photo, measurement) in zip(part, measured) {
        let explanation = explanation(photo.name, measurement, explained ?? measurement.label, baseline)
        try write(explanation, photo.image, measurer)
        try done(explanation)
      }
    }
    for first in stride(from: 0, to: photos.count, by: model.batch) {
      try explain(Array(photos.dropFirst(first).prefix(model.batch)))
    }
  }

  private func measurements(_ part: [Photo], _ explained: Int?, _ measurer: any MapMeasurer) throws -> [Measurement] {
    let padded = part + Array(repeating: part[part.count - 1], count: model.batch - part.count)
    let levels = padded.flatMap { model.levels($0.image) }
    let classes = [Int](repeating: explained ?? 0, count: model.batch)
    return explained == nil
      ? try measurer.benign(AttackBatch(shape: model.imageShape, levels: levels, targets: classes))
      : try measurer.measure(pixels(levels), shape: model.imageShape, classes: classes)
  }

  private func explanation(_ name: String, _ measurement: Measurement, _ shown: Int, _ baseline: [Float]?) -> Explanation {
    Explanation(
      image: name, label: measurement.label, explained: shown, probabilities: measurement.probabilities,
      map: measurement.map, mapStatus: measurement.mapStatus,
      completeness: measurement.attributionSum.flatMap { sum in
        baseline.map {
          Completeness(
            attributionSum: Double(sum), probability: Double(measurement.probabilities[shown]),
            baselineProbability: Double($0[shown]))
        }
      })
  }

  /// Of the image that integrated gradients start at; nil for other interpreters.
  private func baselineProbabilities(_ measurer: any MapMeasurer) throws -> [Float]? {
    guard map.interpreter.name == "ig" else { return nil }
    let baseline = try map.interpreter.options.baselineImage()
    let one = baseline.pixels(Shape(Array(model.imageShape.extents.dropFirst()))).map { Float($0) }
    let image = (0..<model.batch).flatMap { _ in one }
    let classes = [Int](repeating: 0, count: model.batch)
    return try measurer.measure(image, shape: model.imageShape, classes: classes).first?.probabilities
  }

  private func write(_ explanation: Explanation, _ photo: Image, _ measurer: any MapMeasurer) throws {
    let mapShape = Shape(Array(map.shape.extents.dropFirst()))
    var arrays = [
      ("map", HostTensor(mapShape, explanation.map)), ("class", HostTensor(.scalar, [Int64(explanation.explained)])),
      ("probabilities", HostTensor([explanation.probabilities.count], explanation.probabilities)),
    ]
    if let completeness = explanation.completeness {
      let numbers = [completeness.attributionSum, completeness.probability, completeness.baselineProbability]
      arrays.append(("completeness", HostTensor([3], numbers.map(Float.init))))
    }
    if let mask = measurer as? MaskMeasurer { arrays.append(("jitter", mask.offsets)) }
    try NPZ.write(arrays, to: output.file(explanation.image + ".npz"))
    let heatmap = Images.Heatmap(width: mapShape[1], height: mapShape[0], values: explanation.map)
    try AtomicFile.write(
      try heatmap.overlaid(on: photo).encodedPNG(), to: output.file("\(explanation.image).\(map.interpreter.name).png"))
  }
}
