import Foundation

/// CIE L*a*b* of linear RGB (no gamma, white D65) in 8 bits, in the integer arithmetic of OpenCV 5.0.0: `COLOR_LBGR2Lab` and
/// `COLOR_Lab2LBGR` to the last bit for every colour.
///
/// L* is scaled by 255 / 100, a* and b* are shifted by 128.
public enum LinearLab {
  /// Rows for X / Xw, Y and Z / Zw, each in 12 bits.
  private static let toXYZ: [[Int]] = [[1777, 1541, 778], [871, 2929, 296], [73, 448, 3575]]
  /// Rows for red, green and blue.
  private static let toRGB: [[Int]] = [[12615, -6296, -2223], [-3773, 7684, 185], [217, -836, 4715]]

  /// 2¹⁵ · f(i / 2040) with f the cube root above (6/29)³ and a line below, halves rounded down.
  private static let cubeRoots: [Int] = (0..<3072).map { (index: Int) -> Int in
    let t = Float(1) / 2040 * Float(index)
    let line = Float(Double(t) * Double(Float(841) / 108) + Double(Float(16) / 116))
    let value: Float = 32768 * (t < Float(216) / 24389 ? line : Float(cbrt(Double(t))))
    return Int((value - 0.5).rounded(.up))
  }

  /// For each L of 8 bits: Y, and f(Y), in 14 bits.
  private static let luminances: [(y: Int, f: Int)] = (0..<256).map { (index: Int) -> (y: Int, f: Int) in
    if index <= 20 {
      let y = Float(index * 16384 * 180) / Float(17 * 29 * 29 * 29)
      let f: Float = 16384 * (Float(16) / 116 + Float(index * 5) / Float(3 * 17 * 29))
      return (Int(y.rounded(.toNearestOrEven)), Int(f.rounded(.toNearestOrEven)))
    }
    let f: Float = Float(index * 100 * 16384) / Float(255 * 116) + Float(16 * 16384) / 116
    return (Int((f * f * f / Float(16384 * 16384)).rounded(.toNearestOrEven)), Int(f.rounded(.toNearestOrEven)))
  }

  /// (v + 2^(s − 1)) / 2^s, rounded down.
  private static func descaled(_ value: Int, _ shift: Int) -> Int { (value + 1 << (shift - 1)) >> shift }
  private static func byte(_ value: Int) -> UInt8 { UInt8(min(max(value, 0), 255)) }

  public static func lab(red: UInt8, green: UInt8, blue: UInt8) -> (l: UInt8, a: UInt8, b: UInt8) {
    func root(_ row: [Int]) -> Int {
      cubeRoots[descaled(8 * (row[0] * Int(red) + row[1] * Int(green) + row[2] * Int(blue)), 12)]
    }
    let (x, y, z) = (root(toXYZ[0]), root(toXYZ[1]), root(toXYZ[2]))
    return (
      byte(descaled(296 * y - 1_336_934, 15)), byte(descaled(500 * (x - y) + 128 << 15, 15)),
      byte(descaled(200 * (y - z) + 128 << 15, 15))
    )
  }

  public static func rgb(l: UInt8, a: UInt8, b: UInt8) -> (red: UInt8, green: UInt8, blue: UInt8) {
    let (y, f) = luminances[Int(l)]
    let x = cubed(f + (5 * Int(a) * 53687 + 128) >> 13 - 4194)
    let z = cubed(f - ((Int(b) * 41943 + 16) >> 9 - 10484))
    func channel(_ row: [Int]) -> UInt8 {
      let value = min(max(descaled(row[0] * x + row[1] * y + row[2] * z, 14), 0), 4095)
      return UInt8((value * 255) >> 12)
    }
    return (channel(toRGB[0]), channel(toRGB[1]), channel(toRGB[2]))
  }

  /// The inverse of f in 14 bits.
  private static func cubed(_ f: Int) -> Int { f <= 3390 ? f * 108 / 841 - 290 : f * f / 16384 * f / 16384 }
}
