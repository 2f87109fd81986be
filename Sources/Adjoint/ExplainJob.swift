import Arrays
import Attacks
import Files
import Images
import Interpreters
import Passes
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
  }

  private let model: ImageClassifier
  private let interpreterName: String
  private let derivativeName: String
  private let execution: ExecutionOptions
  private let output: OutputDirectory

  /// - Parameter derivative: that of ReLU, Clip and LeakyRelu in the map: `plain`, `smoothed`, `sigmoid`,
  ///   `softplus:SHARPNESS` or `guided`.
  public init(
    model: ImageClassifier, interpreter: String, derivative: String = "plain", execution: ExecutionOptions,
    output: OutputDirectory
  ) {
    self.model = model
    interpreterName = interpreter
    derivativeName = derivative
    self.execution = execution
    self.output = output
  }

  /// For each image the map of a class, or of the label where none is given.
  public func run(_ images: [String], explaining words: String?, done: (Explanation) throws -> Void = { _ in }) throws {
    let names = try output.names(for: images, extensions: [".npz", ".\(interpreterName).png"])
    let explained = try words.map { words throws(UsageError) in try model.labels.index(of: words) }
    let interpreter = try makeInterpreter()
    let photos = try images.map(model.photo)
    let runner = try execution.runner([try AttackPrograms.map(interpreter)])
    let driver = AttackDriver(runner, mapShape: interpreter.mapShape, settings: AttackSettings(method: .pgd))
    let batch = model.classifier.batch
    for first in stride(from: 0, to: images.count, by: batch) {
      let part = Array(photos.dropFirst(first).prefix(batch))
      let levels = (part + Array(repeating: part[part.count - 1], count: batch - part.count)).flatMap { model.levels($0) }
      let classes = [Int](repeating: explained ?? 0, count: batch)
      let measured =
        explained == nil
        ? try driver.benign(AttackBatch(shape: model.imageShape, levels: levels, targets: classes))
        : try driver.measure(pixels(levels), shape: model.imageShape, classes: classes)
      for (index, photo) in part.enumerated() {
        let name = names[first + index]
        let measurement = measured[index]
        let explanation = Explanation(
          image: name, label: measurement.label, explained: explained ?? measurement.label,
          probabilities: measurement.probabilities, map: measurement.map)
        try write(explanation, photo, Shape(Array(interpreter.mapShape.extents.dropFirst())))
        try done(explanation)
      }
    }
  }

  private func makeInterpreter() throws -> any Interpreter {
    let derivative = try derivative(named: derivativeName)
    var interpreter = try Adjoint.makeInterpreter(interpreterName, for: model.classifier)
    guard derivative != .plain else { return interpreter }
    guard interpreter.derivativeOrder > 0 else {
      throw UsageError("the interpreter \(interpreterName) takes no derivative, which '\(derivativeName)' would change")
    }
    interpreter.network = try SubstituteDerivatives(all: derivative).run(interpreter.network)
    return interpreter
  }

  private func write(_ explanation: Explanation, _ photo: Image, _ mapShape: Shape) throws {
    try NPZ.write(
      [
        ("map", HostTensor(mapShape, explanation.map)), ("class", HostTensor(.scalar, [Int64(explanation.explained)])),
        ("probabilities", HostTensor([explanation.probabilities.count], explanation.probabilities)),
      ], to: output.file(explanation.image + ".npz"))
    let heatmap = Images.Heatmap(width: mapShape[1], height: mapShape[0], values: explanation.map)
    try AtomicFile.write(
      try heatmap.overlaid(on: photo).encodedPNG(), to: output.file("\(explanation.image).\(interpreterName).png"))
  }
}
