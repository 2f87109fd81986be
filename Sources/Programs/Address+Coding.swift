// An address in metadata is its text. That it lies in its memory is checked when the program is loaded.
extension Address: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    let parts = text.split(separator: "+", maxSplits: 1)
    guard parts.count == 2, let offset = Int(parts[1]), offset >= 0 else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no address")
    }
    switch parts[0] {
    case "arena": self = .arena(offset)
    case "constants": self = .constants(offset)
    default: throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no address")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
