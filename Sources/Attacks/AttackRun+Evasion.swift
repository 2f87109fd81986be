import Images
import Interpreters
import TensorTypes

// What the second phase takes so that squeezers do not tell the attack.
extension AttackRun {
  /// Of each squeezer that the attack searches squeezed space for the predictions of what is found there, by the names of
  /// the step's inputs, with where hinges begin.
  ///
  /// Stage one of Algorithm 2, as the published code has it, but towards the target:
  ///
  ///     u₀ = ψ(x₀);  u ← clip(u − sign(∂ cross entropy / ∂u) / (2^i − 1), ψ(clip(x₀ − eps)), ψ(clip(x₀ + eps)))
  ///
  /// so that an image within eps squeezes to u. x₊ is the iterate with the smallest cross entropy.
  mutating func evasionConstants(advance: () throws -> Void) throws -> [String: HostTensor] {
    let settings = driver.settings
    let objective = settings.schedule.objective
    var inputs: [String: HostTensor] = [:]
    if !objective.evaded.isEmpty { inputs["evasionWeight"] = .scalar(settings.evasionWeight) }
    for squeezer in objective.evaded {
      if objective.evasion == .code {
        inputs[Evasion.marginName(squeezer)] = .scalar(settings.hingeMargin(of: squeezer) ?? 0)
      }
      guard objective.evasion.searches(for: squeezer), case .bits(let bits) = squeezer else { continue }
      let found = try squeezedSearch(bits: bits, advance: advance)
      let probabilities = try driver.measurer.probabilities(found, shape: batch.shape)
      sweeps.forward += 1
      inputs[Evasion.targetName(squeezer)] = HostTensor(
        [batch.count, probabilities[0].count], probabilities.flatMap(\.self))
    }
    return inputs
  }

  /// x₊ of each image.
  mutating func squeezedSearch(bits: Int, advance: () throws -> Void) throws -> [Float] {
    let origin = pixels(batch.levels)
    let eps = Float(driver.settings.threat.eps)
    let low = reducedToBits(origin.map { max($0 - eps, 0) }, bits: bits)
    let high = reducedToBits(origin.map { min($0 + eps, 1) }, bits: bits)
    let inputs: [String: HostTensor] = ["alpha": .scalar(1 / Double(1 << bits - 1)), "eps": .scalar(1)]
    var u = reducedToBits(origin, bits: bits)
    var best = u
    var smallest = [Float](repeating: .infinity, count: batch.count)
    for step in 0..<driver.settings.squeezedSteps where goesOn() {
      let (next, crossEntropy) = try take(AttackPrograms.pgdStepName, u, inputs, step: step, isTraced: false)
      for image in 0..<batch.count where crossEntropy[image] < smallest[image] {
        smallest[image] = crossEntropy[image]
        best.replaceSubrange(batch.range(image), with: u[batch.range(image)])
      }
      // On the squeezed lattice exactly.
      u = reducedToBits(u.indices.map { min(max(next[$0], low[$0]), high[$0]) }, bits: bits)
      try advance()
    }
    return best
  }
}
