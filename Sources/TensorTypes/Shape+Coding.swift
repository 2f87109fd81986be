extension Shape: Codable {
  /// - Throws: `DecodingError` for extents that no tensor in memory has.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let extents = try container.decode([Int].self)
    var byteCount = 8
    for extent in extents {
      let (product, overflows) = byteCount.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflows else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(extents) is no shape of a tensor")
      }
      byteCount = product
    }
    self.init(extents)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(extents)
  }
}
