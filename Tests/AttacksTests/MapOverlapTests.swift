import Attacks
import Testing

@Suite struct MapOverlapTests {
  @Test func `overlap counts marked places, and is whole where nothing is marked`() {
    let a: [Float] = [0, 0.6, 1, 0.4]
    let b: [Float] = [0.6, 0.6, 0.2, 0.4]
    #expect(MapMetrics.intersectionOverUnion(a, b, .value(0.5)) == 1.0 / 3)
    #expect(MapMetrics.intersectionOverUnion(a, a, .value(0.5)) == 1)
    #expect(MapMetrics.intersectionOverUnion([0, 0], [0, 0], .value(0.5)) == 1)
    // Means of 0.5 and 0.45.
    #expect(MapMetrics.intersectionOverUnion(a, b, .mean) == 1.0 / 3)
    #expect(MapMetrics.overlapSweep(a, b).count == MapMetrics.sweepThresholds.count)
    #expect(MapMetrics.overlapSweep(a, b)[0] == 3.0 / 4 && MapMetrics.overlapSweep(a, b)[8] == 0)
  }

  @Test func `the area under the curve is the share of pairs in order, ties one half`() throws {
    let map: [Float] = [0.1, 0.9, 0.5, 0.5, 0.2]
    let inside = [false, true, true, false, false]
    // Pairs of 0.9 with three, of 0.5 with three: six, one of them a tie.
    #expect(abs(try #require(MapMetrics.areaUnderCurve(map, inside: inside)) - 5.5 / 6) < 1e-12)
    #expect(MapMetrics.areaUnderCurve(map, inside: inside.map { !$0 }).map { abs($0 - 0.5 / 6) < 1e-12 } == true)
    #expect(MapMetrics.areaUnderCurve([1, 1, 1], inside: [true, false, false]) == 0.5)
    #expect(MapMetrics.areaUnderCurve(map, inside: map.map { _ in true }) == nil)
  }

  @Test func `norms of a perturbation are those of the difference`() {
    let norms = PerturbationNorms([0.5, 0, 1, 0.25], origin: [0.5, 0.5, 0.25, 0.25])
    #expect(norms.l0 == 0.5 && norms.l1 == 1.25 && norms.linf == 0.75 && norms.l2 == (0.25 + 0.5625).squareRoot())
  }

  @Test func `patches are decided by seed and image, and of the shapes that were published`() {
    let side = 56
    var areas: [Double] = []
    for number in 0..<40 {
      let levels = [UInt8(number)]
      let patch = RandomPatch(height: side, width: side, seed: 1, levels: levels)
      #expect(RandomPatch(height: side, width: side, seed: 1, levels: levels) == patch)
      #expect(patch.map.count == side * side && patch.map.allSatisfy { (0...1).contains($0) })
      #expect(patch.map.contains(1) && patch.map.contains(0))
      areas.append(Double(patch.map.count(where: RandomPatch.isInside)) / Double(side * side))
    }
    // Discs of radius 30 to 59 and rectangles of twice the half extents, of which the border may cut a part.
    let smallest = 0.5 * 3.14 * 30 * 30 / (224 * 224)
    let largest = 4.0 * 60 * 60 / (224 * 224)
    #expect(areas.allSatisfy { (smallest...largest).contains($0) })
    #expect(Set(areas).count > 30)
  }

  @Test func `a drawn class is any but the label`() {
    var drawn: Set<Int> = []
    for number in 0..<200 {
      let target = RandomTarget.targetClass(label: 2, classCount: 5, seed: 7, levels: [UInt8(number)])
      drawn.insert(target)
    }
    #expect(drawn == [0, 1, 3, 4])
    #expect(RandomTarget.targetClass(label: 1, classCount: 2, seed: 0, levels: [3]) == 0)
  }
}
