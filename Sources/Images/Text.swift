/// Text in the bitmap font at twice its size: letters 14 pixels high.
struct Text {
  static let lineHeight: Int = 22
  private static let scale: Int = 2
  private static let advance: Int = BitmapFont.advance * scale

  let lines: [[Character]]
  let color: Color
  let isBold: Bool

  /// The text broken at spaces into lines of at most `width` pixels; a longer word is broken where the line ends.
  init(_ text: String, width: Int, color: Color, isBold: Bool = false) {
    let columns = max(1, (width + Self.scale) / Self.advance)
    var lines: [[Character]] = []
    for paragraph in text.split(separator: "\n") {
      var line: [Character] = []
      for word in paragraph.split(separator: " ") {
        var word = Array(word)
        if !line.isEmpty && line.count + 1 + word.count > columns {
          lines.append(line)
          line = []
        }
        if !line.isEmpty { line.append(" ") }
        while word.count > columns {
          lines.append(Array(word.prefix(columns)))
          word.removeFirst(columns)
        }
        line += word
      }
      lines.append(line)
    }
    self.lines = lines
    self.color = color
    self.isBold = isBold
  }

  var height: Int { lines.count * Self.lineHeight }
  var width: Int { (lines.map(\.count).max() ?? 0) * Self.advance }

  func draw(on image: inout Image, left: Int, top: Int) {
    for (row, line) in lines.enumerated() {
      for (column, character) in line.enumerated() {
        let glyph = Self.doubled(BitmapFont.glyph(for: character))
        draw(glyph, on: &image, left: left + column * Self.advance, top: top + row * Self.lineHeight)
      }
    }
  }

  private func draw(_ glyph: [[Bool]], on image: inout Image, left: Int, top: Int) {
    for (row, cells) in glyph.enumerated() {
      for (column, isInk) in cells.enumerated() where isInk {
        image.fill(left: left + column, top: top + row, width: isBold ? 2 : 1, height: 1, with: color)
      }
    }
  }

  /// The glyph at twice the size, steps of diagonals filled: a quarter of an empty cell takes the ink of its two outer
  /// neighbours where the opposite ones have none. (Scale2x also cuts outer corners, which makes D look like O.)
  static func doubled(_ glyph: [[Bool]]) -> [[Bool]] {
    let height = glyph.count
    let width = glyph.first?.count ?? 0
    func ink(_ row: Int, _ column: Int) -> Bool {
      (0..<height).contains(row) && (0..<width).contains(column) && glyph[row][column]
    }
    var doubled = [[Bool]](repeating: [Bool](repeating: false, count: 2 * width), count: 2 * height)
    for row in 0..<height {
      for column in 0..<width {
        let up = ink(row - 1, column), down = ink(row + 1, column)
        let left = ink(row, column - 1), right = ink(row, column + 1)
        func quarter(_ vertical: Bool, _ horizontal: Bool, _ otherVertical: Bool, _ otherHorizontal: Bool) -> Bool {
          glyph[row][column] || (vertical && horizontal && !otherVertical && !otherHorizontal)
        }
        doubled[2 * row][2 * column] = quarter(up, left, down, right)
        doubled[2 * row][2 * column + 1] = quarter(up, right, down, left)
        doubled[2 * row + 1][2 * column] = quarter(down, left, up, right)
        doubled[2 * row + 1][2 * column + 1] = quarter(down, right, up, left)
      }
    }
    return doubled
  }
}
