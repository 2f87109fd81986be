@testable import Adjoint
import Foundation
import Images
import Interpreters
import Testing

@Suite struct ModelDescriptionTests {
  private func description(_ json: String) throws -> ModelDescription {
    let path = NSTemporaryDirectory() + "description-\(UUID().uuidString).json"
    try Data(json.utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try ModelDescription(contentsOf: path)
  }

  @Test func `every member of the file counts`() throws {
    let description = try description(
      """
      {"size": [224, 192], "resize": {"shorterSide": 256, "interpolation": "bicubic", "crop": "center"}, "range": [0, 255],
       "mean": [104, 117, 123], "std": [1, 2, 3], "channelOrder": "bgr", "layout": "nhwc", "labels": "/names.txt"}
      """)
    #expect(description.size == [224, 192])
    #expect(try description.resizeRule(height: 224, width: 192) == .shorterSide(256, .bicubic))
    #expect(
      try description.preprocessing(inputShape: [])
        == Preprocessing(range: [0, 255], mean: [104, 117, 123], std: [1, 2, 3], channelOrder: .bgr, layout: .nhwc))
    #expect(description.labels == "/names.txt")
  }

  @Test func `flags win over the file, member by member`() throws {
    let file = try description("{\"mean\": [0.5], \"resize\": {\"shorterSide\": 256, \"interpolation\": \"bicubic\"}}")
    var flags = ModelDescription()
    flags.std = [0.25]
    flags.resize = .init(shorterSide: 300)
    let both = file.overridden(by: flags)
    #expect(both.mean == [0.5] && both.std == [0.25])
    #expect(try both.resizeRule(height: 224, width: 224) == .shorterSide(300, .bicubic))
    flags.resize = .init(exact: true)
    #expect(try file.overridden(by: flags).resizeRule(height: 224, width: 224) == .exact(.bicubic))
  }

  @Test func `what is absent follows from the model's input`() throws {
    let empty = ModelDescription()
    #expect(try empty.preprocessing(inputShape: [1, 3, 32, 32]) == Preprocessing())
    #expect(try empty.preprocessing(inputShape: [1, 32, 32, 3]).layout == .nhwc)
    #expect(try empty.preprocessing(inputShape: [1, 1, 28, 28]).channelOrder == .grey)
    #expect(try empty.resizeRule(height: 20, width: 30) == .shorterSide(30, .bilinear))
  }

  @Test func `labels given relative to the file are found beside it`() throws {
    #expect(try description("{\"labels\": \"names.txt\"}").labels?.hasPrefix(NSTemporaryDirectory()) == true)
  }
}
