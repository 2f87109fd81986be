import Attacks

/// The images of a job in their order, whose benign maps serve one another: as controls, and as targets.
final class JobImages {
  struct Entry {
    let name: String
    let path: String
    let label: Int
  }

  private let entries: [Entry]
  private let positions: [String: Int]
  private let measure: (String) throws -> [Float]
  /// The maps that were asked for last; more are not kept, however many images there are.
  private var recent: [(name: String, map: [Float])] = []

  /// - Parameter measure: the benign map of the image at a path.
  init(_ entries: [Entry], measure: @escaping (String) throws -> [Float]) {
    self.entries = entries
    positions = Dictionary(entries.enumerated().map { ($1.name, $0) }) { first, _ in first }
    self.measure = measure
  }

  /// Makes known maps that need not be measured again.
  func remember(_ maps: [(name: String, map: [Float])]) { recent = maps + recent.suffix(1) }

  private func map(of entry: Entry) throws -> [Float] {
    if let known = recent.first(where: { $0.name == entry.name }) { return known.map }
    let map = try measure(entry.path)
    recent.append((entry.name, map))
    return map
  }

  /// The image after one, the first after the last, and its benign map; nil where there is no other.
  func neighbour(of name: String) throws -> (image: String, map: [Float])? {
    guard entries.count > 1, let position = positions[name] else { return nil }
    let next = entries[(position + 1) % entries.count]
    return (next.name, try map(of: next))
  }

  /// An image of another class than those, drawn by the seed and the image that asks, and its benign map.
  /// - Throws: `UsageError` when there is none.
  func imageOfOtherClass(than classes: [Int], for name: String, seed: UInt64, levels: [UInt8]) throws -> (
    image: String, map: [Float]
  ) {
    let start = RandomTarget.image(of: max(entries.count, 1), seed: seed, levels: levels)
    for offset in entries.indices {
      let entry = entries[(start + offset) % entries.count]
      if !classes.contains(entry.label) { return (entry.name, try map(of: entry)) }
    }
    throw UsageError(
      "no image of the job has another class than label and target of '\(name)', whose map could be its target")
  }
}
