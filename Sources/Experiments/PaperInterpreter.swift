/// The interpreters that the paper's tables have a column of.
public enum PaperInterpreter: String, Sendable, CaseIterable, Codable {
  case grad, cam, mask, rts

  /// As the paper writes it.
  public var title: String { rawValue.uppercased() }

  /// Those that take no trained weights of their own.
  public static let withoutWeights: [PaperInterpreter] = [.grad, .cam, .mask]
}

/// Numbers of the paper for each of its interpreters on one of its networks.
struct PaperRow: Sendable {
  private let numbers: [PaperInterpreter: Double]

  init(grad: Double? = nil, cam: Double? = nil, mask: Double? = nil, rts: Double? = nil) {
    numbers = [.grad: grad, .cam: cam, .mask: mask, .rts: rts].compactMapValues(\.self)
  }

  subscript(interpreter: PaperInterpreter) -> Double? { numbers[interpreter] }
}
