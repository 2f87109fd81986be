import Adjoint
import Attacks

/// A map that ADV² goes for in place of the benign one.
enum ForeignTarget: String, Sendable {
  /// A random disc or rectangle.
  case patch
  /// The map of another photo, of another class.
  case otherClass

  var targetMap: TargetMap { self == .patch ? .patch : .otherClass }
  var title: String { self == .patch ? "random patches" : "maps of other photos" }

  func run(_ interpreter: PaperInterpreter, on network: ExperimentRun.Network) -> ExperimentRun {
    ExperimentRun(.adv2, interpreter.rawValue, on: network, targetMap: targetMap)
  }

  func allRuns(on network: ExperimentRun.Network) -> [ExperimentRun] {
    PaperInterpreter.allCases.map { run($0, on: network) }
  }
}

extension ExperimentContext {
  func state(
    _ target: ForeignTarget, _ interpreter: PaperInterpreter, on network: ExperimentRun.Network
  ) -> RunState {
    state(target.run(interpreter, on: network))
  }
}
