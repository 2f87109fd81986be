import TensorTypes

/// Runs an attack on batches of images: chooses the numbers and which program is next.
///
/// Deterministic; images of a batch do not influence one another.
public struct AttackDriver {
  public let settings: AttackSettings
  /// [B, h, w]
  public let mapShape: Shape
  /// How often the map differentiates the network.
  let derivativeOrder: Int
  private let runner: any GraphRunner

  public init(_ runner: any GraphRunner, mapShape: Shape, derivativeOrder: Int = 0, settings: AttackSettings) {
    self.runner = runner
    self.mapShape = mapShape
    self.derivativeOrder = derivativeOrder
    self.settings = settings
  }

  // MARK: Measuring

  /// Probabilities, and the map of one class of each image beside the benign one.
  /// - Parameters:
  ///   - benign: the benign map of each image; without it distances are zero.
  /// Cost: one forward sweep, and one backward where the map is a derivative.
  public func measure(_ x: [Float], shape: Shape, classes: [Int], benign: [[Float]]? = nil) throws -> [Measurement] {
    let outputs = try runner.run(
      AttackPrograms.mapName,
      ["x": HostTensor(shape, x), "class": HostTensor([shape[0]], classes.map { Int64($0) })])
    let maps = try floats(outputs, "map")
    let probabilities = try floats(outputs, "probabilities")
    let low = try floats(outputs, "low")
    let extent = try floats(outputs, "extent")
    let mapSize = maps.count / shape[0]
    let classCount = probabilities.count / shape[0]
    guard probabilities.allSatisfy(\.isFinite) else { throw AttackError.notFinite(graph: AttackPrograms.mapName, step: 0) }
    guard maps.allSatisfy(\.isFinite) else { throw AttackError.mapNotFinite }
    return (0..<shape[0]).map { image in
      let p = Array(probabilities[image * classCount..<(image + 1) * classCount])
      let map = Array(maps[image * mapSize..<(image + 1) * mapSize])
      return Measurement(
        label: indexOfMaximum(p), targetProbability: Double(p[classes[image]]), probabilities: p, map: map,
        rawRange: (low[image], extent[image]), l1: benign.map { MapMetrics.l1($0[image], map) } ?? 0)
    }
  }

  /// The labels of unchanged images, and the maps of these labels. Cost: twice that of `measure`.
  public func benign(_ batch: AttackBatch) throws -> [Measurement] {
    let x = pixels(batch.levels)
    let labels = try measure(x, shape: batch.shape, classes: batch.targets).map(\.label)
    return try measure(x, shape: batch.shape, classes: labels)
  }

  // MARK: Attacking

  /// Attacks the images of a batch.
  /// - Parameters:
  ///   - benign: what `benign` says about them.
  ///   - progress: called after each gradient step with the number of steps done, of `settings.totalSteps`.
  /// - Throws: `AttackError`, or the error of the runner.
  public func attack(_ batch: AttackBatch, benign: [Measurement], progress: (Int) throws -> Void = { _ in }) throws
    -> [AttackOutcome]
  {
    var done = 0
    func advance() throws {
      done += 1
      try progress(done)
    }
    var run = AttackRun(self, runner, batch, maps: benign.map(\.map))
    run.countMaps(2)
    switch settings.method {
    case .pgd:
      var descent = try run.descent(steps: settings.steps, checking: true, advance: advance)
      return batch.targets.indices.map { image in
        AttackOutcome(
          label: benign[image].label, benign: benign[image], result: descent.last[image],
          passedCheck: descent.choice.best[image] != nil, others: descent.takeOthers(image, prefix: ""), sweeps: run.sweeps,
          comparisonSweeps: SweepCounts())
      }
    case .adv2:
      var comparison = AttackRun(self, runner, batch, maps: benign.map(\.map))
      var descent = try comparison.descent(
        steps: settings.pgdSteps, checking: settings.comparesWithPGD, snapshotAt: settings.warm, advance: advance)
      // The warm start is part of the attack; what PGD does beyond it is the comparison's.
      run.sweeps.forward += settings.warm
      run.sweeps.backward += settings.warm
      comparison.sweeps.forward -= settings.warm
      comparison.sweeps.backward -= settings.warm
      let second = try run.secondPhase(from: descent.snapshot, advance: advance)
      return batch.targets.indices.map { image in
        let chosen = second.choice.best[image]
        let others = settings.comparesWithPGD ? descent.takeOthers(image, prefix: "pgd.", withLast: true) : []
        return AttackOutcome(
          label: benign[image].label, benign: benign[image], result: chosen ?? second.last[image],
          passedCheck: chosen != nil, others: [("last", second.last[image])] + others, sweeps: run.sweeps,
          comparisonSweeps: comparison.sweeps)
      }
    }
  }

  private func floats(_ outputs: [String: HostTensor], _ name: String) throws -> [Float] {
    guard let tensor = outputs[name] else { throw AttackError.missingOutput(graph: AttackPrograms.mapName, name: name) }
    return tensor.floats
  }
}

/// The position of the largest element; the first wins ties.
func indexOfMaximum(_ elements: [Float]) -> Int {
  var best = 0
  for index in elements.indices where elements[index] > elements[best] { best = index }
  return best
}
