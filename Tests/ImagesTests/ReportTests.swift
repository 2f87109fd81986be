import Testing

@testable import Images

@Suite struct ReportTests {
  @Test func panelsStandSideBySideUnchanged() throws {
    let first = synthetic(width: 224, height: 224)
    let second = Image(width: 224, height: 224, filledWith: Color(10, 200, 30))
    let page = try Report(rows: [.init([Panel("a", first), Panel("b", second)])]).rendered()
    #expect(page.width == 24 + 224 + 16 + 224 + 24)
    let top = 24 + 22 + 6
    #expect(try page.cropped(left: 24, top: top, width: 224, height: 224) == first)
    #expect(try page.cropped(left: 24 + 224 + 16, top: top, width: 224, height: 224) == second)
    #expect(page[0, 0] == .white)
  }

  @Test func smallPicturesAreEnlargedInWholePixels() throws {
    let map = Heatmap(width: 7, height: 7, values: (0..<49).map { Float($0) / 48 }).colored()
    let page = try Report(rows: [.init([Panel("map", map)])]).rendered()
    #expect(try page.cropped(left: 24, top: 52, width: 224, height: 224) == map.enlarged(by: 32))
    #expect(map.enlarged(by: 32)[223, 31] == map[6, 0])
  }

  @Test func theScaleRunsFromTheHighestColourDownToTheLowest() throws {
    let photo = Image(width: 224, height: 224, filledWith: .white)
    let page = try Report(rows: [.init([Panel("x", photo)], colorScale: ColorScale(.viridis, range: -1...1))]).rendered()
    let left = 24 + 224 + 16
    #expect(page[left, 52] == ColorMap.viridis.color(of: 1))
    #expect(page[left, 52 + 223] == ColorMap.viridis.color(of: 0))
  }

  @Test func longTextsBreakAtSpacesAndMakeTheirRowHigher() throws {
    #expect(Text("one two three", width: 7 * 12, color: .black).lines.map { String($0) } == ["one two", "three"])
    #expect(Text("abcdefgh ij", width: 3 * 12, color: .black).lines.map { String($0) } == ["abc", "def", "gh", "ij"])
    let photo = Image(width: 224, height: 224, filledWith: .white)
    let short = try Report(rows: [.init([Panel("cat", photo)])]).rendered()
    let long = try Report(rows: [.init([Panel("a title that needs a second line", photo)])]).rendered()
    #expect(long.height == short.height + 22)
    #expect(long.width == short.width)
  }

  @Test func everyPrintableCharacterHasAGlyphOfItsOwn() {
    let characters = (32...126).map { Character(UnicodeScalar(UInt8($0))) } + Array("×²±≤≥→")
    #expect(Set(characters.map(BitmapFont.glyph)).count == characters.count)
    for character in characters {
      let glyph = BitmapFont.glyph(for: character)
      #expect(glyph.count == BitmapFont.glyphHeight)
      #expect(glyph.allSatisfy { $0.count == BitmapFont.glyphWidth })
    }
    #expect(BitmapFont.glyph(for: "猫") == BitmapFont.glyph(for: "?"))
  }

  @Test func aReportOfNothingIsAWhitePage() throws {
    let page = try Report(rows: []).rendered()
    #expect(page.pixels.allSatisfy { $0 == 255 })
  }

  @Test func drawingOutsideTheImageIsLeftOut() {
    var image = Image(width: 4, height: 3, filledWith: .white)
    image.fill(left: -2, top: 2, width: 3, height: 9, with: .black)
    image.fill(left: 4, top: 0, width: 2, height: 2, with: .black)
    image.fill(left: -5, top: -5, width: 2, height: 2, with: .black)
    #expect((0..<12).filter { image[$0 % 4, $0 / 4] == .black } == [8])
  }
}
