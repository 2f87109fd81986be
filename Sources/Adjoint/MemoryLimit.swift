/// The most working memory that programs may take: the arena that holds inputs, outputs and intermediates of the largest.
public struct MemoryLimit: Sendable, Equatable, CustomStringConvertible {
  public let byteCount: Int
  /// As it was written.
  public let description: String

  /// - Parameter words: bytes, or with K, M or G powers of 1,000 of them: 2G, 500M. Nil for anything else.
  public init?(_ words: String) {
    let factors: [Character: Double] = ["K": 1e3, "M": 1e6, "G": 1e9]
    let upper = words.uppercased()
    let factor = upper.last.flatMap { factors[$0] }
    guard let number = Double(factor == nil ? upper : String(upper.dropLast())), number > 0 else { return nil }
    let bytes = (number * (factor ?? 1)).rounded()
    guard bytes >= 1, bytes < 1e15 else { return nil }
    byteCount = Int(bytes)
    description = words
  }

  /// The programs of a request with the largest batch, up to the request's, that stays within the limit.
  ///
  /// Cost: of compiling once or a few times, since working memory is known only then.
  /// - Parameter settled: whether the batch may not become smaller.
  /// - Throws: `UsageError` when even one image, or the settled batch, takes more; what compiling throws.
  public func programs(
    of request: ModelRequest, _ execution: ExecutionOptions, settled: Bool
  ) throws -> ModelPrograms {
    guard !execution.usesReference else {
      throw UsageError("--memory does not go with --reference: only compiled programs know their memory beforehand")
    }
    var batch = request.batch ?? 1
    while true {
      var smaller = request
      smaller.batch = batch
      let programs = try ModelPrograms(smaller, execution)
      let needed = try programs.arenaBytes()
      if needed <= byteCount { return programs }
      if settled || batch == 1 { throw refusal(needed, batch: batch) }
      batch = max(1, min(batch - 1, batch * byteCount / needed))
    }
  }

  /// - Throws: `UsageError` when the programs of an artifact take more.
  public func check(_ programs: ModelPrograms) throws {
    let needed = try programs.arenaBytes()
    if needed > byteCount { throw refusal(needed, batch: programs.facts.classifier?.batch ?? 1) }
  }

  private func refusal(_ needed: Int, batch: Int) -> UsageError {
    UsageError(
      "a batch of \(batch) takes \(fixed(Double(needed) / 1e6, 3)) MB of working memory; --memory allows \(description)")
  }
}

extension ModelPrograms {
  fileprivate func arenaBytes() throws -> Int { try costs().compactMap(\.arenaBytes).max() ?? 0 }
}
