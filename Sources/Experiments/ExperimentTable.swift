import Adjoint
import Attacks

/// A table of an experiment, every row as wide as the line of its columns.
public struct ExperimentTable: Sendable, Equatable, Encodable {
  public struct Cell: Sendable, Equatable, Encodable {
    public let text: String
    /// Nil for words.
    public let value: Double?

    public init(_ text: String) { (self.text, value) = (text, nil) }

    public init(_ value: Double?, _ decimals: Int = 3) {
      text = value.map { fixed($0, decimals) } ?? "-"
      self.value = value
    }

    /// A share in per cent, with its count.
    public init(_ share: Share?) {
      let share = share.flatMap { $0.total > 0 ? $0 : nil }
      text = share.map { "\(fixed(100 * $0.value, 0)) % (\($0.count)/\($0.total))" } ?? "-"
      value = share?.value
    }
  }

  /// What its file is called.
  public let name: String
  /// What it holds, in a few words; nil where the experiment's title says it.
  public let title: String?
  public let columns: [String]
  public private(set) var rows: [[Cell]] = []

  public init(_ name: String, _ title: String? = nil, columns: [String]) {
    self.name = name
    self.title = title
    self.columns = columns
  }

  /// - Precondition: no more cells than columns; those of what is missing are fewer.
  public mutating func add(_ row: [Cell]) {
    precondition(!row.isEmpty && row.count <= columns.count, "\(row.count) cells for \(columns.count) columns")
    rows.append(row + Array(repeating: Cell(""), count: columns.count - row.count))
  }

  /// A row that begins with network and interpreter.
  /// - Parameter missing: why it has no numbers; nil where it has some.
  mutating func add(
    _ network: String, _ interpreter: PaperInterpreter, missing: String?, _ cells: @autoclosure () -> [Cell]
  ) {
    add([Cell(network), Cell(interpreter.title)] + (missing.map { [Cell($0)] } ?? cells()))
  }

  /// A row for the second network, where an experiment has it and the call does not.
  mutating func addMissingNetworks(_ context: ExperimentContext, of networks: [ExperimentRun.Network]) {
    guard networks.contains(.second), !context.networks.contains(.second) else { return }
    add([Cell("no second network"), Cell("-"), Cell("not run: --second-model names one")])
  }

  /// Its title, and its cells in columns.
  public var text: String {
    let cells = alignedText([columns] + rows.map { $0.map(\.text) })
    return title.map { "\($0) (\(name).csv)\n\(cells)" } ?? cells
  }

  /// RFC 4180; numbers in full.
  public var csv: String {
    CommaSeparated.line(columns)
      + rows.map { row in CommaSeparated.line(row.map { cell in cell.value.map { "\($0)" } ?? cell.text }) }.joined()
  }
}
