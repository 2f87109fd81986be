extension AwkwardRegion {
  /// The simplest region, one change after the other, for which the check still holds.
  func shrunk(while fails: (AwkwardRegion) throws -> Bool) rethrows -> AwkwardRegion {
    var smallest = self
    while let simpler = try smallest.simplifications.first(where: fails) { smallest = simpler }
    return smallest
  }

  /// Valid regions that differ in one respect and are simpler in it, the boldest changes first.
  private var simplifications: [AwkwardRegion] {
    var candidates: [AwkwardRegion] = []
    func add(_ change: (inout AwkwardRegion) -> Void) {
      var candidate = self
      change(&candidate)
      if candidate != self && candidate.isValid { candidates.append(candidate) }
    }
    add { $0.consumer = .output }
    for number in epilogue.indices { add { $0.epilogue.remove(at: number) } }
    add { $0.isReadTwice = false }
    add { $0.areCompanionsStored = false }
    add { $0.isFilterConstant = true }
    if source != .input { add { $0.source = .stored } }
    add { $0.source = .input }
    add { $0.batch = 1 }
    for path in [\AwkwardRegion.groups, \.inputChannels, \.outputChannels] {
      for fewer in [1, self[keyPath: path] / 2, self[keyPath: path] - 1] where fewer > 0 && fewer < self[keyPath: path] {
        add { $0[keyPath: path] = fewer }
      }
    }
    for (path, least) in [
      (\AwkwardRegion.padsLow, 0), (\.padsHigh, 0), (\.dilations, 1), (\.strides, 1), (\.kernel, 1), (\.size, 1),
    ] {
      for axis in 0..<2 {
        for less in [least, self[keyPath: path][axis] - 1] where less >= least && less < self[keyPath: path][axis] {
          add { $0[keyPath: path][axis] = less }
        }
      }
    }
    return candidates
  }
}
