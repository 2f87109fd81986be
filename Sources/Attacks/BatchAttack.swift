/// An attack on batches of images.
public protocol BatchAttack {
  var settings: AttackSettings { get }
  /// Steps taken for each image, as `progress` counts them.
  var totalSteps: Int { get }
  /// Attacks the images of a batch.
  /// - Parameters:
  ///   - benign: what `MapMeasurer.benign` says about them.
  ///   - progress: called after each step with the number of steps done, of `totalSteps`.
  /// - Throws: `AttackError`, or the error of the runner.
  func attack(_ batch: AttackBatch, benign: [Measurement], progress: (Int) throws -> Void) throws -> [AttackOutcome]
}

extension BatchAttack {
  public var totalSteps: Int { settings.totalSteps }

  public func attack(_ batch: AttackBatch, benign: [Measurement]) throws -> [AttackOutcome] {
    try attack(batch, benign: benign) { _ in }
  }
}
