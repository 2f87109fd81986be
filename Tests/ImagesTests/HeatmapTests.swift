import Images
import TensorTypes
import Testing

@Suite struct HeatmapTests {
  @Test func enlargingUsesHalfPixelCentres() {
    // PyTorch's interpolate(mode="bilinear", align_corners=False).
    let map = Heatmap(width: 2, height: 2, values: [0, 1, 2, 3]).resized(width: 4, height: 4)
    let row: [Float] = [0, 0.25, 0.75, 1]
    #expect(map.values == [0, 0.5, 1.5, 2].flatMap { start in row.map { $0 + Float(start) } })
  }

  @Test func shrinkingTakesTheTwoNeighboursOfEachCentre() {
    let map = Heatmap(width: 6, height: 1, values: [0, 10, 20, 30, 40, 50])
    #expect(map.resized(width: 2, height: 1).values == [10, 40])
    #expect(map.resized(width: 3, height: 2).values == [5, 25, 45, 5, 25, 45])
    #expect(map.resized(width: 6, height: 1) == map)
  }

  @Test func mapsComeOutOfTensorsOfTwoThreeAndFourAxes() throws {
    let values: [Float] = [1, 2, 3, 4, 5, 6, 7, 8]
    let second = Heatmap(width: 2, height: 2, values: [5, 6, 7, 8])
    #expect(try Heatmap(HostTensor([2, 2, 2], values), index: 1) == second)
    #expect(try Heatmap(HostTensor([2, 1, 2, 2], values), index: 1) == second)
    #expect(try Heatmap(HostTensor([4, 2], values)) == Heatmap(width: 2, height: 4, values: values))
    #expect(throws: ImageError.self) { try Heatmap(HostTensor([1, 2, 2, 2], values)) }
    #expect(throws: ImageError.self) { try Heatmap(HostTensor([2, 2, 2], values), index: 2) }
    #expect(throws: ImageError.self) { try Heatmap(HostTensor([8], values)) }
  }

  @Test func coloursAreThePublishedOnesWithinTwoLevels() {
    let published: [(ColorMap, [Int: [Int]])] = [
      (.turbo, PublishedColors.turbo), (.viridis, PublishedColors.viridis),
    ]
    for (map, table) in published {
      for (entry, levels) in table {
        let color = map.color(of: Float(entry) / 255)
        for (level, expected) in zip([color.red, color.green, color.blue], levels) {
          #expect(abs(Int(level) - expected) <= 2, "\(map) \(entry)")
        }
      }
    }
  }

  @Test func valuesOutsideTheRangeTakeTheEndColours() {
    let map = Heatmap(width: 5, height: 1, values: [-9, 2, 4, 99, .nan])
    let image = map.colored(with: .viridis, range: 2...4)
    let ends = [ColorMap.viridis.color(of: 0), ColorMap.viridis.color(of: 1)]
    #expect((0..<5).map { image[$0, 0] } == [ends[0], ends[0], ends[1], ends[1], Color(grey: 128)])
    #expect(map.colored(range: 3...3)[0, 0] == ColorMap.turbo.color(of: 0.5))
  }

  @Test func theOverlayMixesPhotoAndColours() {
    let photo = synthetic(width: 8, height: 6)
    let map = Heatmap(width: 2, height: 2, values: [0, 1, 1, 0])
    #expect(map.overlaid(on: photo, opacity: 0) == photo)
    #expect(map.overlaid(on: photo, opacity: 1) == map.resized(width: 8, height: 6).colored())
    let mixed = map.overlaid(on: Image(width: 2, height: 2, filledWith: .black), opacity: 0.5)[0, 0]
    #expect(mixed == Color(24, 9, 30))  // half of turbo's first colour, 48 18 59
  }
}
