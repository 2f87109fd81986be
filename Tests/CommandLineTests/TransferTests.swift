import Foundation
import Images
import Testing

/// Experiments that measure attacked photos anew: transfer, ablation and the propositions.
@Suite struct TransferTests {
  private let folder: TemporaryFolder
  private let data: String

  init() throws {
    folder = try TemporaryFolder()
    data = folder.path("data")
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    let photos = [("fashion-00018-bag", 8), ("fashion-00013-dress", 3)]
    for (name, _) in photos { try FileManager.default.copyItem(atPath: Command.image(name), toPath: data + "/\(name).png") }
    let table = "file,class\n" + photos.map { "\($0).png,\($1)\n" }.joined()
    _ = try folder.write(table.utf8, "data/index.csv")
  }

  private func experiment(_ ids: [String], _ more: [String] = []) throws -> Command.Result {
    try Command.run(
      ["experiment"] + ids + [
        "--model", Command.model, "--data", data, "-o", folder.path("out"), "--interpreters", "grad,cam",
      ]
        + ["--eps", "0.1", "--steps", "6", "--warm", "4", "--threads", "1"] + more)
  }

  /// A copy of the network, whose classes may be called otherwise.
  private func twin(labels: String? = nil) throws -> String {
    let models = Command.root + "/graphs/models/"
    for (name, copy) in [("fashion-resnet.onnx", "twin.onnx"), ("fashion-resnet.json", "twin.json")] {
      try FileManager.default.copyItem(atPath: models + name, toPath: folder.path(copy))
    }
    let words = try labels ?? String(contentsOfFile: models + "fashion-labels.txt", encoding: .utf8)
    _ = try folder.write(words.utf8, "fashion-labels.txt")
    return folder.path("twin.onnx")
  }

  private func rows(_ path: String) throws -> [[String]] {
    try String(contentsOfFile: folder.path("out/" + path), encoding: .utf8).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// The mean over the records of a run of a number in their PNG's judgement, or in a control.
  private func mean(_ run: String, _ number: ([String: Any]) throws -> Double) throws -> Double {
    let text = try String(contentsOfFile: folder.path("out/runs/fashion-resnet/\(run)/results.jsonl"), encoding: .utf8)
    let numbers = try text.split(separator: "\n").map { line in
      try number(try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]))
    }
    return numbers.reduce(0, +) / Double(numbers.count)
  }

  @Test
  func
    `at the attacked interpreter transfer is the attack's own figure, and a network is as another of its file`()
    throws
  {
    let result = try experiment(["t9", "f14"], ["--second-model", try twin()])
    #expect(result.status == 0, "\(result.error)")
    let table = try rows("t9/t9.fashion-resnet.l1.csv")
    #expect(table.map(\.count) == Array(repeating: 5, count: 7) && table[0] == ["attack on", "GRAD", "CAM", "MASK", "RTS"])
    #expect(
      table.map { $0[0] } == [
        "attack on", "GRAD", "CAM", "none: PGD", "MASK", "RTS", "the photo's map of the target",
      ])
    #expect(table[1][3] == "not run" && table[1][4] == "needs weights" && table[5][1] == "needs weights")
    func png(_ record: [String: Any]) throws -> Double {
      try #require((record["png"] as? [String: Any])?["mapL1"] as? Double)
    }
    let own = try ["adv2.grad", "adv2.cam", "pgd.cam"].map { try mean($0, png) }
    for (cell, own) in zip([table[1][1], table[2][2], table[3][2]], own) {
      #expect(abs(try #require(Double(cell)) - own) < 1e-12)
    }
    let clean = try mean("adv2.cam") { record in
      let controls = try #require(record["controls"] as? [[String: Any]])
      let control = try #require(controls.first { $0["kind"] as? String == "cleanTarget" })
      return try #require((control["map"] as? [String: Any])?["l1"] as? Double)
    }
    #expect(abs(try #require(Double(table[6][2])) - clean) < 1e-12)
    let twin = try rows("t9/t9.fashion-resnet.on.twin.l1.csv")
    let alone = try rows("t9/t9.twin.l1.csv")
    #expect(twin == table && alone == table)
    let seen = try rows("t9/t9.fashion-resnet.on.twin.predictions.csv")
    #expect(seen.count == 5 && seen[4][0] == "none: the photo" && Double(seen[4][2]) == 1)
    #expect(result.output.contains("attack on CAM: L1 at its own interpreter / smallest at the others: paper 0.56, here "))
    let picture = try Image(contentsOf: folder.path("out/f14/f14.fashion-00018-bag.png"))
    // A row for the photo and one for each attack, with a panel for each interpreter.
    #expect(picture.height > 4 * 224 && picture.width > 3 * 224)
  }

  @Test func `networks of other classes are not held against each other`() throws {
    let labels = (0..<10).map { "\($0)th\n" }.joined()
    let result = try experiment(["t9"], ["--second-model", try twin(labels: labels), "--interpreters", "cam"])
    #expect(result.status == 0, "\(result.error)")
    #expect(try rows("t9/t9.fashion-resnet.on.twin.csv")[1] == ["all", "the networks have other classes"])
  }

  @Test func `each part of an attack is taken away in a run of its own`() throws {
    let result = try experiment(["ablation"])
    #expect(result.status == 0, "\(result.error)")
    let table = try rows("ablation/ablation.csv")
    #expect(table.count == 17 && table.allSatisfy { $0.count == 7 })
    #expect(table.filter { $0[0] == "MASK" }.allSatisfy { $0[2] == "not run" })
    let runs = try FileManager.default.contentsOfDirectory(atPath: folder.path("out/runs/fashion-resnet")).sorted()
    #expect(runs.count == 10 && runs.contains("adv2.grad.r-in-place-of-h"))
    let settings = try runs.map { run in
      try String(contentsOfFile: folder.path("out/runs/fashion-resnet/\(run)/results.jsonl"), encoding: .utf8)
        .split(separator: "\"settings\":")[1].split(separator: "}\n")[0]
    }
    #expect(Set(settings).count == 10)
    #expect(result.output.contains("GRAD, without warm start: joint success as it is - changed: paper none, here "))
  }

  @Test func `proposition 1 holds on attacked photos`() throws {
    let result = try experiment(["proposition1"])
    #expect(result.status == 0, "\(result.error)")
    let table = try rows("proposition1/proposition1.csv")
    #expect(table.count == 1 + 3 * 5)
    for row in table.dropFirst() {
      let (prediction, interpretation) = (try #require(Double(row[3])), try #require(Double(row[4])))
      #expect(abs(prediction) <= interpretation && prediction != 0 && row[8] == "1.0", "\(row)")
    }
  }

  @Test func `what needs no network takes none, and what does says so`() throws {
    let result = try Command.run("experiment", "f3", "proposition2", "-o", folder.path("out"))
    #expect(result.status == 0, "\(result.error)")
    let curves = try rows("f3/f3.csv")
    #expect(curves[0] == ["z", "h", "sigma", "r", "h'", "sigma'", "r'"] && curves.count == 43)
    let zero = try #require(curves.first { $0[0] == "0.0" }?.compactMap(Double.init))
    #expect(zero.count == 7 && zero[1] == 0 && zero[2] == 0.5 && zero[3] == 0 && abs(zero[4] - 100) < 1e-9)
    #expect(zero[5] == 0.25 && zero[6] == 0)
    let below = try #require(curves.first { $0[0] == "-1e-09" }?.compactMap(Double.init))
    #expect(below[1] > 0.9999 && below[3] == 0)
    #expect(try Image(contentsOf: folder.path("out/f3/f3.png")).width > 720)
    #expect(try rows("proposition2/proposition2.csv").dropFirst().allSatisfy { $0.last == "1.0" })
    let without = try Command.run("experiment", "t9", "-o", folder.path("none"))
    #expect(without.status == 2 && without.error.contains("--model and --data"), "\(without)")
  }
}
