extension ElementType: Codable {}

extension TensorType: Codable {
  private enum Key: String, CodingKey { case element, shape }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let element = try container.decode(ElementType.self, forKey: .element)
    let extents = try container.decode([Int].self, forKey: .shape)
    var byteCount = element.byteCount
    for extent in extents {
      let (product, overflows) = byteCount.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflows else {
        throw DecodingError.dataCorruptedError(
          forKey: .shape, in: container, debugDescription: "\(extents) is no shape of a tensor")
      }
      byteCount = product
    }
    self.init(element, Shape(extents))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(element, forKey: .element)
    try container.encode(shape.extents, forKey: .shape)
  }
}
