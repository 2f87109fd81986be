import Attacks
import Interpreters
import TensorTypes

/// Runs programs, and remembers what went into the last one with a result that is not finite, so that the node at fault can
/// be named once that matters.
final class WatchedRunner: GraphRunner {
  private struct Broken {
    let program: String
    let inputs: [String: HostTensor]
    let image: Int
  }

  private let runner: any GraphRunner
  private let search: NonFiniteSearch?
  private let batch: Int
  private var broken: Broken?

  /// - Parameter search: nil where there is no model to search.
  init(_ runner: any GraphRunner, batch: Int, search: NonFiniteSearch?) {
    self.runner = runner
    self.batch = batch
    self.search = search
  }

  func run(_ program: String, _ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
    let outputs = try runner.run(program, inputs)
    for tensor in outputs.values where !tensor.isFinite {
      broken = Broken(program: program, inputs: inputs, image: tensor.firstImageNotFinite(of: batch))
    }
    return outputs
  }

  /// The error with the node at fault, if it says that something is not finite.
  func naming(_ error: any Error) -> any Error {
    guard let cause = error as? AttackError, cause.isAboutNumbers else { return error }
    return NonFiniteError(cause: cause, sentence: sentence(), position: broken?.image)
  }

  /// What is to blame for the last result that was not finite, in a sentence.
  func sentence() -> String? {
    guard let broken else { return nil }
    guard let search else { return "an artifact does not say which node that is; its model does" }
    do {
      return try search.sentence(program: broken.program, inputs: broken.inputs, image: broken.image)
    } catch {
      return "the search for the node failed: \(error)"
    }
  }

  /// What `body` returns, whose error names the node at fault.
  func naming<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw naming(error) }
  }
}

/// A network on an image of which something is not finite.
struct NonFiniteError: Error, CustomStringConvertible {
  let cause: AttackError
  /// Which node is at fault.
  let sentence: String?
  /// Of the image in its batch, where it is known.
  let position: Int?
  /// The file of the image, where it is one of several.
  var path: String?

  var description: String { (path.map { "'\($0)': " } ?? "") + cause.description + (sentence.map { "; " + $0 } ?? "") }
}

/// Judges images as another does, and names the node at fault where numbers are not finite.
struct WatchedMeasurer: MapMeasurer {
  let measurer: any MapMeasurer
  let watch: WatchedRunner

  var mapShape: Shape { measurer.mapShape }
  var sweeps: SweepCounts { measurer.sweeps }
  var benignSweeps: SweepCounts { measurer.benignSweeps }

  func measure(_ x: [Float], shape: Shape, classes: [Int], benign: [[Float]]?) throws -> [Measurement] {
    try watch.naming { try measurer.measure(x, shape: shape, classes: classes, benign: benign) }
  }

  func probabilities(_ x: [Float], shape: Shape) throws -> [[Float]] {
    try watch.naming { try measurer.probabilities(x, shape: shape) }
  }

  func benign(_ batch: AttackBatch) throws -> [Measurement] { try watch.naming { try measurer.benign(batch) } }
}

extension AttackError {
  fileprivate var isAboutNumbers: Bool {
    switch self {
    case .notFinite, .mapNotFinite, .stepNotFinite: true
    case .missingOutput, .notAgainstMask: false
    }
  }
}

extension HostTensor {
  /// The position of the first image with a number that is not finite; 0 for tensors that are not of a batch.
  fileprivate func firstImageNotFinite(of batch: Int) -> Int {
    guard shape.extents.first == batch else { return 0 }
    let size = max(1, shape.elementCount / batch)
    return (doubles.firstIndex { !$0.isFinite } ?? 0) / size
  }
}

extension ModelPrograms {
  /// What runs the programs by name, and knows what to blame for numbers that are not finite.
  func watchedRunner(threads: Int?) throws -> WatchedRunner {
    WatchedRunner(try runner(threads: threads), batch: facts.classifier?.batch ?? 1, search: search)
  }

  /// What judges images by the map of these programs, and names the node at fault for numbers that are not finite.
  /// - Parameter seed: decides the jitter of MASK and the noise of SmoothGrad.
  /// - Throws: `UsageError` for programs without a map.
  func measurer(threads: Int?, seed: UInt64 = 0) throws -> any MapMeasurer {
    let (model, map) = try classifier(with: .map)
    let watch = try watchedRunner(threads: threads)
    let runner = try map.runner(watch, imageShape: model.imageShape, seed: seed)
    return WatchedMeasurer(measurer: try map.measurer(runner, imageShape: model.imageShape, seed: seed), watch: watch)
  }
}
