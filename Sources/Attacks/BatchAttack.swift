/// An attack on batches of images.
public protocol BatchAttack {
  var settings: AttackSettings { get }
  /// Attacks the images of a batch.
  /// - Parameters:
  ///   - benign: what `MapMeasurer.benign` says about them.
  ///   - progress: called after each step with the number of steps done, of `settings.totalSteps`.
  /// - Throws: `AttackError`, or the error of the runner.
  func attack(_ batch: AttackBatch, benign: [Measurement], progress: (Int) throws -> Void) throws -> [AttackOutcome]
}

extension BatchAttack {
  public func attack(_ batch: AttackBatch, benign: [Measurement]) throws -> [AttackOutcome] {
    try attack(batch, benign: benign) { _ in }
  }
}
