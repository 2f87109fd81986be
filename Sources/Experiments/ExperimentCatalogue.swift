import Adjoint

/// Every experiment there is, in the order of the paper.
public enum ExperimentCatalogue {
  public static let experiments: [any Experiment] =
    [
      KinkCurves(), AttackSuccess(), KeptMaps(.pixels, on: .first), OverlapFigure.pixels, DetectionRates(), AdaptedMaps(),
      KeptMaps(.flows, on: .first), OverlapFigure.flows(on: .first), TargetSuccess.patches, TargetMaps(.patch, on: .first),
      TargetDistance.patches, TargetSuccess.classes, TargetMaps(.otherClass, on: .first), TargetDistance.classes(on: .first),
      InterpreterTransfer(), TransferPanels(), Proposition1Check(), GradCAMTable(), MapDistance(),
      KeptMaps(.pixels, on: .second), KeptMaps(.flows, on: .second), OverlapFigure.flows(on: .second),
      TargetMaps(.otherClass, on: .second), TargetDistance.classes(on: .second),
      Proposition2Check(), Ablation(),
    ]

  /// Other names of experiments.
  public static let aliases = ["f1": "f4", "f5": "t13"]

  /// Each once, in the order of their names. A name may be as the paper writes it, `T3`, and of several, `F9/F10`.
  /// - Throws: `UsageError` for an id that no experiment has.
  public static func experiments(named names: [String]) throws(UsageError) -> [any Experiment] {
    var named: [any Experiment] = []
    for id in names.flatMap({ $0.split(separator: "/", omittingEmptySubsequences: false) }) {
      let experiment = try experiment(String(id))
      if !named.contains(where: { $0.id == experiment.id }) { named.append(experiment) }
    }
    return named
  }

  /// - Throws: `UsageError` for an id that no experiment has.
  static func experiment(_ id: String) throws(UsageError) -> any Experiment {
    let lowercase = id.lowercased()
    guard let experiment = experiments.first(where: { $0.id == aliases[lowercase] ?? lowercase }) else {
      let known = experiments.map(\.id) + aliases.keys.sorted()
      throw UsageError("there is no experiment '\(id)'; \(known.joined(separator: ", ")) are known")
    }
    return experiment
  }

  /// A line for each: its id, what it shows, and what the paper finds.
  public static var text: String {
    alignedText(
      experiments.map { experiment in
        let names = [experiment.id] + aliases.filter { $0.value == experiment.id }.map(\.key).sorted()
        return [names.joined(separator: ", "), experiment.title, experiment.reference]
      })
  }
}
