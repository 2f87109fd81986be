import Arrays
import Foundation
import Images
import Testing

@Suite struct ExplainTests {
  @Test func `explain writes the map and a picture of every image`() throws {
    let folder = try TemporaryFolder()
    let result = try Command.run(
      "explain", Command.model, Command.bag, Command.dress, "--interpreter", "cam", "--class", "Dress", "-o",
      folder.path("out"))
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains("fashion-00018-bag: Dress"))
    for name in ["fashion-00018-bag", "fashion-00013-dress"] {
      let arrays = Dictionary(
        uniqueKeysWithValues: try NPZ.read(path: folder.path("out/\(name).npz")).map { ($0.name, $0.tensor) })
      #expect(arrays.keys.sorted() == ["class", "map", "probabilities"])
      #expect(arrays["class"]?.integers == [3])
      #expect(arrays["map"]?.shape == [7, 7])
      #expect(arrays["map"]?.floats.min() == 0)
      #expect(abs((arrays["probabilities"]?.doubles.reduce(0, +) ?? 0) - 1) < 1e-5)
      let picture = try Image(contentsOf: folder.path("out/\(name).cam.png"))
      #expect(picture.width == 28 && picture.height == 28)
    }
  }
}
