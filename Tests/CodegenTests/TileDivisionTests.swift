import Testing

@testable import Codegen

@Suite struct TileDivisionTests {
  @Test(
    "tiles cover the positions once, in order, and their widths differ by one at most", arguments: 1...40, [1, 5, 6, 14, 28])
  func covers(positions: Int, width: Int) {
    let division = TileDivision(positions: positions, width: width)
    let starts = (0...division.tileCount).map(division.start)
    let widths = zip(starts, starts.dropFirst()).map { $1 - $0 }
    #expect(starts.first == 0 && starts.last == positions)
    #expect(widths == widths.sorted() && widths[widths.count - 1] - widths[0] <= 1)
    #expect(widths.allSatisfy { (1...width).contains($0) } && division.tileCount == (positions + width - 1) / width)
  }
}
