/// Colours for values in [0,1], from low to high.
public enum ColorMap: String, Sendable, CaseIterable {
  /// Blue, green, yellow, red: a rainbow of smoothly changing lightness (A. Mikhailov, 2019), for maps laid over photos.
  case turbo
  /// Violet, green, yellow: lightness rises evenly with the value and colour-blind readers see the same order.
  case viridis

  /// The colour of `value`, cut to [0,1]; NaN is mid grey. Within 6 levels of the published tables.
  public func color(of value: Float) -> Color {
    guard !value.isNaN else { return Color(grey: 128) }
    let t = Double(max(0, min(1, value)))
    func level(_ channel: Int) -> UInt8 {
      let value: Double = coefficients.reversed().reduce(0) { $0 * t + $1[channel] }
      return UInt8(max(0, min(255, (value * 255).rounded())))
    }
    return Color(level(0), level(1), level(2))
  }

  /// Least-squares polynomials of the published tables: the coefficient of each power for red, green and blue.
  private var coefficients: [[Double]] {
    switch self {
    case .turbo: Self.turboCoefficients
    case .viridis: Self.viridisCoefficients
    }
  }

  private static let turboCoefficients: [[Double]] = [
    [0.13572138, 0.09140261, 0.10667330],
    [4.61539260, 2.19418839, 12.64194608],
    [-42.66032258, 4.84296658, -60.58204836],
    [132.13108234, -14.18503333, 110.36276771],
    [-152.94239396, 4.27729857, -89.90310912],
    [59.28637943, 2.82956604, 27.34824973],
  ]

  private static let viridisCoefficients: [[Double]] = [
    [0.27772733, 0.00540734, 0.33409981],
    [0.10509304, 1.40461353, 1.38459016],
    [-0.33086183, 0.21484756, 0.09509516],
    [-4.63423050, -5.79910097, -19.33244096],
    [6.22826994, 14.17993337, 56.69055260],
    [4.77638500, -13.74514538, -65.35303263],
    [-5.43545586, 4.64585261, 26.31243525],
  ]
}
