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

  @Test func `an attack and an evaluation say what a detector tells of their images`() throws {
    let detector = folder.path("detector.json")
    let calibration = try photos(100)
    let squeezers = ["--squeezers", "bits1,median3"]
    #expect(try Command.run(["detect", Command.model] + calibration + ["-o", detector] + squeezers).status == 0)
    let photos = ["\(Command.bag),8,4", "\(Command.sandal),5,4", "\(calibration[0]),3,4"]
    _ = try folder.write((["file,class,target"] + photos).joined(separator: "\n").utf8, "index.csv")
    let call = [
      "evaluate", Command.model, "--data", folder.path("index.csv"), "--eps", "0.2", "--steps", "20", "--warm", "10",
      "--compare", "--detector", detector, "-o", folder.path("out"),
    ]
    let result = try Command.run(call + ["--fail-if", "pgd.last.detected>=0"])
    #expect(result.status == 3 && result.error.contains("pgd.last.detected is "), "\(result)")
    #expect(result.error.contains("photo0: not attacked: the detector was calibrated on"), "\(result.error)")
    #expect(result.output.contains("detected, of those with the target label"))
    let lines = try String(contentsOfFile: folder.path("out/results.jsonl"), encoding: .utf8).split(separator: "\n")
    let records = try lines.map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
      .filter { $0["error"] == nil }
    #expect(records.count == 2)
    for record in records {
      let png = try #require(record["png"] as? [String: Any])
      let verdicts = try #require(png["detection"] as? [[String: Any]])
      #expect(verdicts.compactMap { $0["name"] as? String } == ["bits1", "median3", "joint"])
      // The same as detect says of the file.
      let name = try #require(record["image"] as? String)
      let asked = try Command.run(["detect", Command.model, folder.path("out/\(name).png"), "--detector", detector])
      for verdict in verdicts.dropLast() {
        let score = try #require(verdict["score"] as? Double)
        let words = "\(verdict["name"] as? String ?? "") " + String(format: "%.3f", score)
        #expect(asked.output.contains(words), "\(asked) \(words)")
        #expect(asked.output.contains(words + " detected") == (verdict["isDetected"] as? Bool))
      }
      let others = try #require(record["others"] as? [[String: Any]])
      #expect(others.allSatisfy { ($0["png"] as? [String: Any])?["detection"] != nil })
    }
    let table = try String(contentsOfFile: folder.path("out/results.csv"), encoding: .utf8).split(separator: "\n")
    #expect(table[0].hasSuffix("error,score@bits1,detected@bits1,score@median3,detected@median3,score@joint,detected@joint"))
    let columns = table.map { $0.split(separator: ",", omittingEmptySubsequences: false).count }
    #expect(Set(columns.prefix(3)).count == 1, "\(table)")
  }

  @Test func `a detector of disagreeing maps is calibrated, asked, and asked during an attack`() throws {
    let detector = folder.path("maps.json")
    let calibration = try photos(100)
    let made = try Command.run(["detect", Command.model] + calibration + ["-o", detector, "--maps", "cam,grad"])
    #expect(made.status == 0 && made.output.contains("maps: threshold "), "\(made)")
    let attack = try Command.run([
      "attack", Command.model, Command.bag, "--target", "Coat", "--eps", "0.2", "--steps", "5", "--warm", "5", "--detector",
      detector, "-o", folder.path("out"),
    ])
    #expect(attack.status == 0, "\(attack.error)")
    let text = try String(contentsOfFile: folder.path("out/results.jsonl"), encoding: .utf8)
    let record = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let verdicts = try #require((record["png"] as? [String: Any])?["detection"] as? [[String: Any]])
    #expect(verdicts.count == 1 && verdicts[0]["name"] as? String == "maps")
    let score = try #require(verdicts[0]["score"] as? Double)
    let asked = try Command.run(["detect", Command.model, folder.path("out/fashion-00018-bag.png"), "--detector", detector])
    #expect(asked.output.contains("maps " + String(format: "%.3f", score)), "\(asked) \(score)")
    #expect(asked.output.contains("maps: \(verdicts[0]["isDetected"] as? Bool == true ? 1 : 0)/1 "), "\(asked)")

    let one = try Command.run(["detect", Command.model, Command.bag, "--maps", "cam", "-o", folder.path("x")])
    #expect(one.status == 2 && one.error.contains("two or more interpreters"), "\(one)")
    let artifact = folder.path("map.adjoint")
    #expect(try Command.run(["compile", Command.model, "--of", "map", "-o", artifact]).status == 0)
    let beside = try Command.run(["detect", artifact, Command.bag, "--detector", detector])
    #expect(beside.status == 2 && beside.error.contains("the maps of one interpreter"), "\(beside)")
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
