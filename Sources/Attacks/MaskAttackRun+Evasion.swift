import TensorTypes

// What the attack on MASK takes so that squeezers do not tell it: steps down the margin are also against `Evasion`, and a
// step against the map must leave the target its probability in squeezed images, too.
extension MaskAttackRun {
  var evaded: [Squeezer] { settings.schedule.objective.evaded }

  /// What a step down the margin takes for the squeezers.
  func evasionInputs(_ x: [Float]) -> [String: HostTensor] {
    guard !evaded.isEmpty else { return [:] }
    return Evasion.inputs(of: settings.schedule.objective, at: x, shape: batch.shape)
      .merging(["evasionWeight": .scalar(settings.evasionWeight)]) { given, _ in given }
  }

  /// The least that evaded squeezers leave of the probability of each target, over the part that they must leave; nil
  /// without any. Cost: for each squeezer a forward sweep.
  func squeezedProbabilities(_ x: [Float]) throws -> [Double]? {
    guard !evaded.isEmpty else { return nil }
    let levels = batch.targets.indices.flatMap { iterate(x, $0, step: 0).levels }
    let squeezed = try measurer.squeezedProbabilities(levels, shape: batch.shape, evaded)
    return batch.targets.enumerated().map { image, target in
      squeezed.reduce(.infinity) { min($0, Double($1[image][target])) } / settings.mask.squeezedShare
    }
  }
}
