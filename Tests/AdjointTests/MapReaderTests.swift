import Adjoint
import Foundation
import Images
import Testing

/// What is measured in images as they are, with the reference evaluator.
@Suite struct MapReaderTests {
  private static let graphs =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/graphs/"

  private func reader(batch: Int) throws -> MapReader {
    let model = try ModelFile(Self.graphs + "models/fashion-resnet.onnx")
    let request = ModelRequest(model, of: .map, batch: batch, interpreter: InterpreterChoice("cam"))
    return try MapReader(try ModelPrograms(request, ExecutionOptions(usesReference: true)))
  }

  private func photo(_ name: String) throws -> Image { try Image(contentsOf: Self.graphs + "images/\(name).png") }

  @Test func `neither the batch nor other images change what is measured`() throws {
    let images = try ["fashion-00018-bag", "fashion-00013-dress", "fashion-00008-sandal"].map(photo)
    let together = try reader(batch: 2).measure(images, classes: [8, 3, 5])
    let alone = try reader(batch: 1)
    #expect(together.count == 3 && alone.mapShape == [7, 7])
    for (index, image) in images.enumerated() {
      #expect(try alone.measure([image], classes: [[8, 3, 5][index]]) == [together[index]])
    }
    #expect(together.map(\.label) == [8, 3, 5])
    #expect(try alone.measure([images[0]], classes: [3])[0].map != together[0].map)
  }

  /// Not cut, as photos are.
  @Test func `an image of another size is resized on both sides`() throws {
    let bag = try photo("fashion-00018-bag")
    let wide = try bag.resized(width: 60, height: 40, interpolation: .bilinear)
    let back = try wide.resized(width: 28, height: 28, interpolation: .bilinear)
    let reader = try reader(batch: 1)
    let measured = try reader.measure([wide], classes: [8])
    #expect(try reader.measure([back], classes: [8]) == measured)
    #expect(try reader.measure([bag], classes: [8]) != measured)
  }
}
