import Adjoint
import Attacks

/// An attack that goes for the label alone, and the one on top of it that also keeps the map.
enum AttackPair: String, Sendable {
  /// Pixels change by at most eps.
  case pixels
  /// Pixels move.
  case flows

  var plain: AttackSettings.Method { self == .pixels ? .pgd : .stadv }
  var keeping: AttackSettings.Method { self == .pixels ? .adv2 : .adv2Stadv }
  var plainTitle: String { self == .pixels ? "PGD" : "stAdv" }
  var keepingTitle: String { self == .pixels ? "ADV²" : "ADV² on stAdv" }

  func runs(_ interpreter: PaperInterpreter, on network: ExperimentRun.Network) -> (
    plain: ExperimentRun, keeping: ExperimentRun
  ) {
    (
      ExperimentRun(plain, interpreter.rawValue, on: network), ExperimentRun(keeping, interpreter.rawValue, on: network)
    )
  }

  /// Both attacks on each of the paper's interpreters.
  func allRuns(on networks: [ExperimentRun.Network]) -> [ExperimentRun] {
    networks.flatMap { network in
      PaperInterpreter.allCases.flatMap { interpreter in
        let runs = runs(interpreter, on: network)
        return [runs.plain, runs.keeping]
      }
    }
  }
}

extension ExperimentContext {
  /// What became of both attacks on an interpreter; one that is missing is missing for the reason of either.
  func states(_ pair: AttackPair, _ interpreter: PaperInterpreter, on network: ExperimentRun.Network) -> PairState {
    let runs = pair.runs(interpreter, on: network)
    return PairState(plain: state(runs.plain), keeping: state(runs.keeping))
  }
}

extension ExperimentContext {
  /// "MASK: not run"
  func missing(_ pair: AttackPair, on network: ExperimentRun.Network) -> [String] {
    PaperInterpreter.allCases.compactMap { interpreter in
      states(pair, interpreter, on: network).missing.map { "\(interpreter.title): \($0)" }
    }
  }
}

struct PairState {
  let plain: RunState
  let keeping: RunState

  var missing: String? { keeping.missing ?? plain.missing }

  /// A metric of the attack that keeps the map over that of the other; nil where there is none.
  func ratio(_ metric: String) -> Double? {
    guard let below = plain.metric(metric), below > 0 else { return nil }
    return keeping.metric(metric).map { $0 / below }
  }
}

extension PairState {
  /// L1 of the attack that keeps the map over that of the other. Nil too where it has no success: what attacks little moves
  /// no map.
  var distanceRatio: Double? { missingDistanceRatio == nil ? ratio("l1") : nil }

  var missingDistanceRatio: String? { missing ?? (keeping.success?.count == 0 ? "no image has the target label" : nil) }
}

extension RunState {
  /// The share of photos whose PNG has the target label.
  var success: Share? { share(\.png.success) }

  func share(_ counts: (AttackRecord) -> Bool) -> Share? {
    finished.map { run in Share(run.records.count(where: counts), of: run.records.count) }
  }
}
