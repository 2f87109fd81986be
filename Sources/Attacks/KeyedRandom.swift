/// Random numbers that seed, image and number of the draw alone decide, wherever the image stands in whatever batch.
///
/// The steps of an attack take the draws below 2³², noise on an image those from there on, random starts those from 2⁴⁰ on,
/// targets those from 2⁵⁶ on.
struct KeyedRandom {
  static let firstDrawOfNoise = 1 << 32
  /// Each start may take 2³² of them.
  static let firstDrawOfStarts = 1 << 40
  /// Of target classes, target maps and the images that these come from.
  static let firstDrawOfTargets = 1 << 56
  private let seed: UInt64

  init(seed: UInt64) { self.seed = seed }

  /// A number in 0 ..< 1.
  func unit(image: UInt64, draw: Int) -> Double {
    let bits = Self.mixed(Self.mixed(Self.mixed(seed) ^ image) ^ UInt64(draw))
    return Double(bits >> 11) * 0x1p-53
  }

  /// A number that the 8-bit levels of an image decide (FNV-1a).
  static func key(_ levels: some Sequence<UInt8>) -> UInt64 {
    levels.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
  }

  /// One output of SplitMix64 (Steele, Lea and Flood 2014).
  private static func mixed(_ state: UInt64) -> UInt64 {
    var z = state &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
