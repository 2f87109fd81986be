import Attacks
import SampleNetworks

extension AttackBatch {
  /// Images of 3 x 12 x 12 random levels, one for each seed.
  init(seeds: [UInt64], targets: [Int]) {
    let levels = seeds.flatMap { seed in
      var random = Random(seed: seed)
      return (0..<3 * 12 * 12).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    self.init(shape: [seeds.count, 3, 12, 12], levels: levels, targets: targets)
  }
}
