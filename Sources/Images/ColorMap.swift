/// Colours for values in [0,1], from low to high.
public enum ColorMap: String, Sendable, CaseIterable {
  /// Blue, green, yellow, red: a rainbow of smoothly changing lightness (A. Mikhailov, 2019), for maps laid over photos.
  case turbo
  /// Violet, green, yellow: lightness rises evenly with the value and colour-blind readers see the same order.
  case viridis

  /// The colour of `value`, cut to [0,1]; NaN is mid grey. Within 2 levels of the published tables of 256 colours.
  public func color(of value: Float) -> Color {
    guard !value.isNaN else { return Color(grey: 128) }
    let position: Float = max(0, min(1, value)) * Float(knots.count - 1)
    let low = min(Int(position), knots.count - 2)
    let fraction: Float = position - Float(low)
    func level(_ shift: UInt32) -> UInt8 {
      let start = Float((knots[low] >> shift) & 0xff)
      let end = Float((knots[low + 1] >> shift) & 0xff)
      return UInt8((start + fraction * (end - start)).rounded())
    }
    return Color(level(16), level(8), level(0))
  }

  /// Colours at equal distances, red in the highest byte, joined by straight lines.
  private var knots: [UInt32] {
    switch self {
    case .turbo: Self.turboKnots
    case .viridis: Self.viridisKnots
    }
  }

  private static let turboKnots: [UInt32] = [
    0x30123b, 0x392a73, 0x4040a1, 0x4456c7, 0x466be3, 0x467ff6, 0x4293ff, 0x37a7fa, 0x29bbec, 0x1dcdd8, 0x18dcc3,
    0x1ee8b0, 0x31f299, 0x4cf97e, 0x6bfd64, 0x8aff4d, 0xa3fd3c, 0xb8f735, 0xcced34, 0xdee037, 0xedd03a, 0xf8c03a,
    0xfdae35, 0xfe982c, 0xfb8022, 0xf56817, 0xec520f, 0xe04009, 0xd23105, 0xc02302, 0xac1701, 0x950d01, 0x7a0403,
  ]

  private static let viridisKnots: [UInt32] = [
    0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453681, 0x424086, 0x3f4989, 0x3b528b, 0x375a8d, 0x33638d,
    0x2f6a8e, 0x2c728e, 0x297a8e, 0x26818e, 0x23898e, 0x21908c, 0x1f988b, 0x1f9f88, 0x21a685, 0x28ae80, 0x31b57b,
    0x3ebc74, 0x4cc26c, 0x5dc963, 0x6ece58, 0x82d34c, 0x96d83f, 0xabdc32, 0xc0df24, 0xd5e21a, 0xeae51a, 0xfde725,
  ]
}
