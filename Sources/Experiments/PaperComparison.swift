import Adjoint

/// A number of the paper beside what was measured here, and whether the order that it shows holds: orders and ratios carry
/// over to other networks and photos, absolute values do not.
public struct PaperComparison: Sendable, Equatable, Encodable {
  /// Of what: "CAM".
  public let subject: String
  /// "map L1 under ADV² / under PGD"
  public let quantity: String
  public let paper: String
  /// The measured number, or why there is none.
  public let here: String
  /// "at most 0.5"
  public let expected: String
  /// Nil where nothing was measured.
  public let holds: Bool?

  public init(subject: String, quantity: String, paper: String, here: String, expected: String, holds: Bool?) {
    self.subject = subject
    self.quantity = quantity
    self.paper = paper
    self.here = here
    self.expected = expected
    self.holds = holds
  }

  public enum Bound: Sendable {
    case atMost(Double)
    case atLeast(Double)

    func holds(_ value: Double) -> Bool {
      switch self {
      case .atMost(let bound): value <= bound
      case .atLeast(let bound): value >= bound
      }
    }

    func words(_ decimals: Int) -> String {
      switch self {
      case .atMost(let bound): "at most \(fixed(bound, decimals))"
      case .atLeast(let bound): "at least \(fixed(bound, decimals))"
      }
    }
  }

  /// A measured number against a bound that the paper's numbers keep.
  /// - Parameters:
  ///   - paper: in the paper's words where there is no number.
  ///   - missing: why nothing was measured, where `here` is nil.
  public init(
    _ subject: String, _ quantity: String, paper: String, here: Double?, missing: String?, _ bound: Bound, decimals: Int = 2
  ) {
    self.init(
      subject: subject, quantity: quantity, paper: paper,
      here: here.map { fixed($0, decimals) } ?? missing ?? "no such number", expected: bound.words(decimals),
      holds: here.map(bound.holds))
  }

  /// The same for a number of the paper.
  public init(
    _ subject: String, _ quantity: String, paper: Double?, here: Double?, missing: String?, _ bound: Bound, decimals: Int = 2
  ) {
    self.init(
      subject, quantity, paper: paper.map { fixed($0, decimals) } ?? "none", here: here, missing: missing, bound,
      decimals: decimals)
  }

  /// How many photos show what the paper's figure does.
  static func ofAll(_ subject: String, _ quantity: String, _ count: Int, of total: Int, missing: String?) -> PaperComparison
  {
    PaperComparison(
      subject: subject, quantity: quantity, paper: "all", here: missing ?? "\(count) of \(total)", expected: "all of them",
      holds: missing == nil ? count == total : nil)
  }

  public var text: String {
    let measured = holds.map { ", here \(here); \(expected): \($0 ? "holds" : "does not hold")" }
    return "\(subject): \(quantity): paper \(paper)" + (measured ?? "; none here: \(here)")
  }
}
