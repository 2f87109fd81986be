import Foundation

/// A target map that no photo has: a disc or a turned rectangle of ones on zeros (section 5, question 1 of the paper, with
/// the shapes of the code published with it).
///
/// On a canvas of 224 x 224: centre from U{40 ... 183}, radius or half extents from U{30 ... 59}, angle from U(−30°, 30°);
/// then resized bilinearly, without antialiasing, to the size of the map. Seed and image decide it.
public struct RandomPatch: Sendable, Equatable {
  static let side = 224
  /// [h · w]
  public let map: [Float]
  /// Whether a place with such a value lies inside of the patch by at least half.
  public static func isInside(_ value: Float) -> Bool { value >= 0.5 }

  /// - Parameter levels: those of the image, which decide the patch with the seed.
  public init(height: Int, width: Int, seed: UInt64, levels: [UInt8]) {
    let random = KeyedRandom(seed: seed)
    let key = KeyedRandom.key(levels)
    func unit(_ draw: Int) -> Double { random.unit(image: key, draw: KeyedRandom.firstDrawOfTargets + draw) }
    func integer(_ draw: Int, _ range: Range<Int>) -> Double {
      Double(range.lowerBound + Int(unit(draw) * Double(range.count)))
    }
    let isDisc = unit(1) < 0.5
    let centre = (x: integer(2, 40..<184), y: integer(3, 40..<184))
    let extent = (x: integer(4, 30..<60), y: integer(5, 30..<60))
    let angle: Double = (2 * unit(6) - 1) * .pi / 6
    let (cosine, sine) = (cos(angle), sin(angle))
    func value(_ x: Int, _ y: Int) -> Float {
      let (dx, dy) = (Double(x) - centre.x, Double(y) - centre.y)
      if isDisc { return dx * dx + dy * dy <= extent.x * extent.x ? 1 : 0 }
      return abs(cosine * dx + sine * dy) <= extent.x && abs(cosine * dy - sine * dx) <= extent.y ? 1 : 0
    }
    let canvas = (0..<Self.side).flatMap { y in (0..<Self.side).map { x in value(x, y) } }
    map = Self.resized(canvas, height: height, width: width)
  }

  /// Half-pixel centres, clamped at the border.
  private static func resized(_ canvas: [Float], height: Int, width: Int) -> [Float] {
    func places(_ count: Int) -> [(low: Int, weight: Float)] {
      (0..<count).map { index in
        let source = min(max((Double(index) + 0.5) * Double(side) / Double(count) - 0.5, 0), Double(side - 1))
        let low = min(Int(source), side - 2)
        return (low, Float(source - Double(low)))
      }
    }
    let columns = places(width)
    return places(height).flatMap { row in
      columns.map { column in
        func line(_ y: Int) -> Float {
          let a = canvas[y * side + column.low]
          let b = canvas[y * side + column.low + 1]
          return a + column.weight * (b - a)
        }
        let above = line(row.low)
        return above + row.weight * (line(row.low + 1) - above)
      }
    }
  }
}

extension KeyedRandom {
  /// An integer in 0 ..< count that seed and image decide.
  static func choice(below count: Int, seed: UInt64, levels: [UInt8], draw: Int) -> Int {
    let unit: Double = KeyedRandom(seed: seed).unit(image: key(levels), draw: firstDrawOfTargets + draw)
    return min(Int(unit * Double(count)), count - 1)
  }
}

/// What is drawn for an image where nobody says it.
public enum RandomTarget {
  /// A class other than the label: (label + U{1 ... N − 1}) mod N.
  /// - Precondition: at least two classes.
  public static func targetClass(label: Int, classCount: Int, seed: UInt64, levels: [UInt8]) -> Int {
    (label + 1 + KeyedRandom.choice(below: classCount - 1, seed: seed, levels: levels, draw: 0)) % classCount
  }

  /// The position from which other images are tried in turn.
  public static func image(of count: Int, seed: UInt64, levels: [UInt8]) -> Int {
    KeyedRandom.choice(below: count, seed: seed, levels: levels, draw: 7)
  }
}
