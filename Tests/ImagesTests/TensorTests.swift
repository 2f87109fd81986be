import Images
import TensorTypes
import Testing

@Suite struct TensorTests {
  @Test func everyLevelSurvivesTheWayThroughATensor() throws {
    let image = Image(width: 32, height: 8, pixels: (0..<768).map { UInt8($0 % 256) })
    let tensor = image.tensor
    #expect(tensor.type == TensorType(.float32, [3, 8, 32]))
    #expect(tensor.floats.allSatisfy { (0...1).contains($0) })
    #expect(try Image(tensor) == image)
  }

  @Test func channelsBecomePlanesDividedBy255() {
    let image = Image(width: 2, height: 1, pixels: [255, 0, 51, 1, 2, 3])
    #expect(image.tensor == HostTensor([3, 1, 2], [1, 1 / 255, 0, 2 / 255, 51 / 255, 3 / 255] as [Float]))
  }

  @Test func aBatchHoldsItsImagesInOrder() throws {
    let images = [synthetic(width: 5, height: 4), Image(width: 5, height: 4, filledWith: .white)]
    let batch = try Image.batch(images)
    #expect(batch.shape == [2, 3, 4, 5])
    for (index, image) in images.enumerated() { #expect(try Image(batch, index: index) == image) }
    #expect(throws: ImageError.self) { try Image(batch, index: 2) }
  }

  @Test func valuesOutsideZeroToOneAreCutAndOthersRounded() throws {
    let tensor = HostTensor([3, 1, 2], [-1, 2, 0.5 / 255, 0.49 / 255, 254.4 / 255, 1.0001] as [Float])
    #expect(try Image(tensor).pixels == [0, 1, 254, 255, 0, 255])
  }

  @Test func tensorsThatAreNoImagesAreRefused() {
    #expect(throws: ImageError.notFinite(index: 1)) { try Image(HostTensor([3, 1, 1], [0, .nan, 0] as [Float])) }
    #expect(throws: ImageError.self) { try Image(HostTensor([1, 1, 1], [0] as [Float])) }
    #expect(throws: ImageError.self) { try Image(HostTensor([3, 0, 1], [] as [Float])) }
    #expect(throws: ImageError.self) { try Image(HostTensor([3, 1, 1], [0, 0, 0] as [Int64])) }
    #expect(throws: ImageError.self) { try Image.batch([]) }
    #expect(throws: ImageError.unequalSizes(expected: "2 x 2", found: "2 x 3")) {
      try Image.batch([synthetic(width: 2, height: 2), synthetic(width: 2, height: 3)])
    }
  }

  @Test func aDifferenceIsGreyWhereNothingChanged() throws {
    let original = Image(width: 2, height: 1, pixels: [10, 10, 10, 0, 100, 255])
    let changed = Image(width: 2, height: 1, pixels: [10, 17, 3, 0, 120, 200])
    #expect(try changed.difference(from: original, amplifiedBy: 10).pixels == [128, 198, 58, 128, 255, 0])
    #expect(throws: ImageError.self) { try changed.difference(from: synthetic(width: 1, height: 1), amplifiedBy: 10) }
  }
}
