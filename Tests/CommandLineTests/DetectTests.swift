import Foundation
import Images
import Testing

@Suite struct DetectTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Photos of their own: one with another pixel of another level each.
  private func photos(_ count: Int) throws -> [String] {
    let photo = try Image(contentsOf: Command.dress)
    return try (0..<count).map { number in
      var pixels = photo.pixels
      for channel in 0..<3 { pixels[(300 + number) * 3 + channel] = UInt8(number + 20) }
      let path = folder.path("photo\(number).png")
      try Data(try Image(width: photo.width, height: photo.height, pixels: pixels).encodedPNG()).write(
        to: URL(fileURLWithPath: path))
      return path
    }
  }

  @Test func `a detector is calibrated, written, and asked about images it has not seen`() throws {
    let path = folder.path("detector.json")
    let calibration = try photos(100)
    let made = try Command.run(["detect", Command.model] + calibration + ["-o", path])
    #expect(made.status == 0, "\(made.error)")
    for name in ["bits2", "bits3", "median3", "nlm", "joint"] { #expect(made.output.contains("\(name): threshold ")) }
    #expect(made.output.contains("held-out false positives "))

    let asked = try Command.run(["detect", Command.model, Command.bag, Command.sandal, "--detector", path])
    #expect(asked.status == 0, "\(asked.error)")
    #expect(asked.output.contains("fashion-00018-bag.png: Bag 0.99"))
    #expect(asked.output.split(separator: "\n").count == 2 + 5)

    let seen = try Command.run(["detect", Command.model, calibration[3], "--detector", path])
    #expect(seen.status == 2 && seen.error.contains("was calibrated on '\(calibration[3])'"))
  }

  @Test func `what cannot be calibrated or asked is refused`() throws {
    let few = try Command.run(["detect", Command.model, Command.bag, "-o", folder.path("detector.json")])
    #expect(few.status == 2 && few.error.contains("1 images; to calibrate a detector at least 100 are needed"))
    let neither = try Command.run(["detect", Command.model, Command.bag])
    #expect(neither.status == 2 && neither.error.contains("either --detector or -o"))
    let unknown = try Command.run(["detect", Command.model, Command.bag, "-o", "x", "--squeezers", "bits2,blur"])
    #expect(unknown.status == 2 && unknown.error.contains("bits2,blur"))
    let other = folder.path("other.json")
    try "{}".write(toFile: other, atomically: true, encoding: .utf8)
    let wrong = try Command.run(["detect", Command.model, Command.bag, "--detector", other])
    #expect(wrong.status == 1 && wrong.error.contains("is no detector"))
  }
}
