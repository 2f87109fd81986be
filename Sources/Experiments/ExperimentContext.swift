import Adjoint
import Arrays
import Attacks
import Files
import TensorTypes

/// What a run left: its records, and in its folder the files that `evaluate` writes.
public struct FinishedRun: Sendable {
  public let run: ExperimentRun
  public let folder: OutputDirectory
  public let evaluation: Evaluation

  public var records: [AttackRecord] { evaluation.results.records }

  /// A metric of `EvaluationMetrics` by name.
  public func metric(_ name: String) -> Double? { evaluation.metrics[name]?.value }

  public func record(of image: String) -> AttackRecord? { records.first { $0.image == image } }

  /// The arrays of an image's npz file, by name.
  public func arrays(of image: String) throws -> [String: HostTensor] {
    let arrays = try NPZ.read(path: folder.file(image + ".npz"))
    return Dictionary(arrays.map { ($0.name, $0.tensor) }) { first, _ in first }
  }

  /// Height and width of its maps, as in their npz files; nil where no photo was attacked.
  var mapSize: String? {
    guard let image = records.first?.image, let map = try? arrays(of: image)["mapBenign"] else { return nil }
    return map.shape.extents.map { "\($0)" }.joined(separator: "x")
  }

  /// The attacked PNG of an image.
  public func png(of image: String) -> String { folder.file(image + ".png") }
}

/// What became of a run.
public enum RunState: Sendable {
  case finished(FinishedRun)
  /// Why it was not run, in a few words.
  case missing(String)
  /// What ended it, in a sentence.
  case failed(String)

  public var finished: FinishedRun? { if case .finished(let run) = self { run } else { nil } }
  public var failure: String? { if case .failed(let sentence) = self { sentence } else { nil } }

  /// Why there are no results, in the words of a table.
  public var missing: String? {
    switch self {
    case .finished: nil
    case .missing(let words): words
    case .failed(let sentence): "failed: \(sentence)"
    }
  }

  /// A metric of `EvaluationMetrics`; nil where there is none.
  public func metric(_ name: String) -> Double? { finished?.metric(name) }
}

/// What an experiment reads.
public struct ExperimentContext: Sendable {
  public let options: ExperimentJob.Options
  /// The files of this experiment.
  public let output: OutputDirectory
  let states: [String: RunState]
  /// What runs that evade squeezers know, or why nothing could be calibrated; nil where no experiment has such.
  let detector: Result<AttackDetector, any Error>?

  public func state(_ run: ExperimentRun) -> RunState { states[options.key(of: run)] ?? .missing("not run") }

  /// The networks that this call has.
  public var networks: [ExperimentRun.Network] {
    ExperimentRun.Network.allCases.filter { options.model($0) != nil }
  }

  /// Those of an experiment's networks that this call has.
  func networks(of networks: [ExperimentRun.Network]) -> [ExperimentRun.Network] { self.networks.filter(networks.contains) }

  /// "efficientnet-lite0, CAM"
  func subject(_ network: ExperimentRun.Network, _ interpreter: PaperInterpreter) -> String {
    "\(name(of: network)), \(interpreter.title)"
  }

  /// What a network is called.
  public func name(of network: ExperimentRun.Network) -> String {
    options.model(network)?.name ?? "no \(network.rawValue) network"
  }

  /// The programs of one of the networks.
  /// - Throws: what importing and differentiating throw; `UsageError` for a network that this call does not have.
  public func programs(
    of network: ExperimentRun.Network, _ graph: DerivedGraph, _ choice: InterpreterChoice
  ) throws -> ModelPrograms {
    try options.programs(of: network, graph, choice)
  }

  /// One of the networks as a graph, for batches of the size of its programs.
  /// - Throws: what importing throws; `UsageError` for a network that this call does not have.
  public func classifier(of network: ExperimentRun.Network) throws -> ImageClassifier {
    try options.classifier(of: network)
  }
}
