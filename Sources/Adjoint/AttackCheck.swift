import Interpreters

/// What an attack would do and cost, found out on one image without attacking it: its unchanged prediction, and the times of
/// a few steps, which are then forgotten.
public struct AttackCheck: Sendable {
  /// A phase of the attack, each of whose steps costs the same.
  public struct Phase: Sendable {
    public let name: String
    public let steps: Int
    /// For each image.
    public let sweeps: StepSweeps
    /// For a batch, checks of iterates included.
    public let secondsPerStep: Double
  }

  public let image: String
  /// The most probable classes, most probable first, at most five.
  public let top: [(name: String, probability: Double)]
  /// Nil without a target.
  public let target: (name: String, probability: Double)?
  public let preprocessing: String
  public let attack: String
  public let programs: [ProgramCost]
  public let processor: String
  public let threads: Int
  public let batch: Int
  public let phases: [Phase]
  /// Of measuring a batch with the interpreter.
  public let secondsPerMap: Double
  public let images: Int
  /// Of the whole call, without compiling.
  public let seconds: Double

  public var batches: Int { (images + batch - 1) / batch }

  /// One fact a line.
  public var text: String {
    func words(_ entry: (name: String, probability: Double)) -> String {
      "\(entry.name) \(probability(entry.probability))"
    }
    var lines = [("image", image), ("prediction", top.map(words).joined(separator: ", "))]
    if let target { lines.append(("target", words(target))) }
    lines += [("preprocessing", preprocessing), ("attack", attack)]
    lines += programs.map { ("program", $0.text) }
    lines.append(("runs on", "\(processor), \(threads) thread\(threads == 1 ? "" : "s"), batches of \(batch)"))
    lines += phases.map { phase in
      (
        phase.name,
        "\(phase.steps) steps of \(duration(phase.secondsPerStep)) a batch; for each image \(phase.sweeps.text)"
      )
    }
    lines += [
      ("map", "\(duration(secondsPerMap)) a batch"),
      (
        "whole call",
        "about \(duration(seconds)) for \(images) image\(images == 1 ? "" : "s") in \(batches) "
          + "batch\(batches == 1 ? "" : "es"), compiling aside"
      ),
    ]
    let width = lines.map(\.0.count).max() ?? 0
    return lines.map { $0.0 + String(repeating: " ", count: width + 2 - $0.0.count) + $0.1 }.joined(separator: "\n")
  }

  /// With three significant digits where it is small.
  private func probability(_ number: Double) -> String {
    guard number > 0, number < 0.001 else { return fixed(number, 3) }
    var (exponent, digits) = (0, number)
    while digits < 1 { (digits, exponent) = (digits * 10, exponent + 1) }
    return "\(fixed(digits, 1))e-\(exponent)"
  }

  private func duration(_ seconds: Double) -> String {
    switch seconds {
    case ..<1: "\(fixed(seconds * 1e3, 1)) ms"
    case ..<120: "\(fixed(seconds, 1)) s"
    case ..<7200: "\(fixed(seconds / 60, 1)) min"
    default: "\(fixed(seconds / 3600, 1)) h"
    }
  }
}

/// Sweeps of the network in a step; fractions where something is done once in several steps.
public struct StepSweeps: Sendable {
  public let forward: Double
  public let backward: Double
  public let secondOrder: Double

  public init(forward: Double, backward: Double, secondOrder: Double) {
    self.forward = forward
    self.backward = backward
    self.secondOrder = secondOrder
  }

  public init(_ counts: SweepCounts) {
    self.init(
      forward: Double(counts.forward), backward: Double(counts.backward), secondOrder: Double(counts.secondOrder))
  }

  static func + (a: StepSweeps, b: StepSweeps) -> StepSweeps {
    StepSweeps(
      forward: a.forward + b.forward, backward: a.backward + b.backward, secondOrder: a.secondOrder + b.secondOrder)
  }

  var text: String {
    func words(_ number: Double) -> String { number == number.rounded() ? "\(Int(number))" : fixed(number, 1) }
    return "\(words(forward)) forward, \(words(backward)) backward, \(words(secondOrder)) second-order sweeps"
  }
}
