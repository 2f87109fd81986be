/// A line of results.jsonl about an image that could not be attacked.
public struct AttackFailure: Sendable, Codable {
  public let image: String
  public let path: String
  /// Why, in a sentence.
  public let error: String
}

/// A line of results.jsonl.
enum ResultsRow: Codable {
  case record(AttackRecord)
  case failure(AttackFailure)

  var image: String {
    switch self {
    case .record(let record): record.image
    case .failure(let failure): failure.image
    }
  }

  init(from decoder: any Decoder) throws {
    if let failure = try? AttackFailure(from: decoder) {
      self = .failure(failure)
    } else {
      self = .record(try AttackRecord(from: decoder))
    }
  }

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .record(let record): try record.encode(to: encoder)
    case .failure(let failure): try failure.encode(to: encoder)
    }
  }
}
