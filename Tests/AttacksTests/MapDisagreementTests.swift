import Attacks
import SampleNetworks
import Testing

@Suite struct MapDisagreementTests {
  private func map(_ values: [Float], side: Int) -> MapDisagreement.Map { .init(values, height: side, width: side) }
  private let ramp = (0..<16).map { Float($0) }

  @Test func `maps that order the cells alike agree, however their values are spread and whatever their size`() {
    let other = ramp.map { $0 * $0 * $0 }
    let fine: [Float] = (0..<64).map { place in
      let (row, column) = (place / 16, place % 8 / 2)
      return ramp[row * 4 + column]
    }
    #expect(MapDisagreement.score([map(ramp, side: 4), map(other, side: 4)]) == 0)
    #expect(MapDisagreement.score([map(fine, side: 8), map(ramp, side: 4), map(other, side: 4)]) == 0)
    #expect(MapDisagreement.score([map(ramp, side: 4), map(ramp.reversed(), side: 4)]) == 2)
    // A map without order agrees with none.
    #expect(MapDisagreement.score([map(ramp, side: 4), map([Float](repeating: 1, count: 16), side: 4)]) == 1)
    // One of three pairs agrees.
    let mean = MapDisagreement.score([map(ramp, side: 4), map(other, side: 4), map(ramp.reversed(), side: 4)])
    #expect(abs(mean - 4.0 / 3) < 1e-12)
  }

  @Test func `the order of the maps does not matter`() {
    var random = Random(seed: 3)
    let maps = [7, 14, 28].map { side in map(random.tensor([side, side], in: 0...1).floats, side: side) }
    let score = MapDisagreement.score(maps)
    #expect((0...2).contains(score))
    for order in [[1, 0, 2], [2, 1, 0], [1, 2, 0]] {
      #expect(abs(MapDisagreement.score(order.map { maps[$0] }) - score) < 1e-12)
    }
  }
}
