import Foundation
import Images
import Testing

@Suite struct EvaluateTests {
  private let folder: TemporaryFolder
  private let quick = ["--eps", "0.2", "--steps", "30", "--warm", "10", "--batch", "2", "--threads", "1"]
  private let names = [
    "fashion-00018-bag", "fashion-00013-dress", "fashion-00008-sandal",
  ]

  init() throws { folder = try TemporaryFolder() }

  /// A folder with a table of three photos, a wrongly labelled copy, and a broken file.
  private func data() throws -> String {
    let path = folder.path("data")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for name in names { try FileManager.default.copyItem(atPath: Command.image(name), toPath: path + "/\(name).png") }
    try FileManager.default.copyItem(atPath: Command.bag, toPath: path + "/mislabelled.png")
    _ = try folder.write("no photo".utf8, "data/broken.png")
    let table = """
      file,class,target
      \(names[0]).png,8,4
      broken.png,1,4
      \(names[1]).png,Dress,
      mislabelled.png,0,4
      \(names[2]).png,5,"Coat"
      """
    _ = try folder.write(table.utf8, "data/index.csv")
    return path
  }

  private func evaluate(_ data: String, to output: String, _ more: [String] = []) throws -> Command.Result {
    try Command.run(["evaluate", Command.model, "--data", data, "-o", folder.path(output)] + quick + more)
  }

  private func metrics(_ output: String) throws -> [String: Double] {
    let bytes = try #require(folder.bytes(output + "/summary.json"))
    let summary = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    let metrics = try #require(summary["metrics"] as? [[String: Any]])
    return Dictionary(
      uniqueKeysWithValues: metrics.compactMap { metric in
        (metric["value"] as? Double).map { (metric["name"] as? String ?? "", $0) }
      })
  }

  @Test func `clean accuracy comes first, and only what is classified correctly is attacked`() throws {
    let result = try evaluate(try data(), to: "out", ["--compare"])
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains("clean accuracy: 3 of 4 photos, 75.0 % [30.1, 95.4], 1 unreadable"), "\(result.output)")
    #expect(result.output.contains("preprocessing: range [0.0, 1.0]"))
    #expect(result.error.contains("broken.png: left out"))
    let predictions = try String(contentsOfFile: folder.path("out/predictions.csv"), encoding: .utf8)
    let lines = predictions.split(separator: "\n")
    #expect(lines.count == 6 && lines[2].contains("not an image"), "\(predictions)")
    let table = try String(contentsOfFile: folder.path("out/results.csv"), encoding: .utf8).split(separator: "\n")
    #expect(table.count == 4 && zip(table.dropFirst(), names).allSatisfy { $0.hasPrefix($1 + ",") }, "\(table)")
    let metrics = try metrics("out")
    #expect(metrics["accuracy"] == 0.75 && metrics["attacked"] == 3 && metrics["failed"] == 0)
    for name in [
      "asr", "joint", "l1", "iou", "iou@0.5", "joint@0.06", "ssim", "linf", "pgd.last.l1", "noise.l1", "float.l1",
    ] {
      #expect(metrics[name] != nil, "\(name)")
    }
    #expect(metrics["linf"].map { $0 <= 0.2 } == true)
    // The target that the table leaves open is drawn.
    let dress = try #require(table.first { $0.hasPrefix(names[1]) }).split(separator: ",", omittingEmptySubsequences: false)
    #expect(dress[2] == "3" && dress[3] != "3")
    #expect(try String(contentsOfFile: folder.path("out/summary.txt"), encoding: .utf8).contains("joint success"))
  }

  @Test func `a run that was interrupted writes the bytes of one that was not`() throws {
    let data = try data()
    let long = ["--attack", "pgd", "--steps", "1500", "--batch", "1"]
    let process = Command.process(
      ["evaluate", Command.model, "--data", data, "-o", folder.path("cut")] + quick + long)
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    while process.isRunning, folder.bytes("cut/results.jsonl") == nil { Thread.sleep(forTimeInterval: 0.02) }
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 130)
    #expect(folder.bytes("cut/summary.json") == nil)

    let again = try evaluate(data, to: "cut", long)
    #expect(again.status == 0 && again.output.contains("(finished before)"), "\(again)")
    #expect(try evaluate(data, to: "whole", long).status == 0)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path("whole")).sorted()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("cut")).sorted() == files)
    #expect(files.count == 3 * 3 + 7)
    for file in files where file != "times.csv" {
      #expect(folder.bytes("cut/" + file) == folder.bytes("whole/" + file), "\(file)")
    }
  }

  @Test func `predictions are made again only when what they depend on has changed`() throws {
    let data = try data()
    let quick = ["--attack", "pgd", "--steps", "3"]
    let table = folder.path("out/predictions.csv")
    func number() throws -> UInt64? {
      try FileManager.default.attributesOfItem(atPath: table)[.systemFileNumber] as? UInt64
    }
    #expect(try evaluate(data, to: "out", quick).status == 0)
    let bytes = folder.bytes("out/predictions.csv")
    let first = try number()
    #expect(try evaluate(data, to: "out", quick + ["--seed", "1"]).status == 0)
    #expect(try number() == first)
    // Another table, and then another photo.
    let text = String(decoding: try #require(bytes), as: UTF8.self)
    _ = try folder.write(text.replacingOccurrences(of: "true", with: "false").utf8, "out/predictions.csv")
    #expect(try evaluate(data, to: "out", quick).status == 0)
    #expect(folder.bytes("out/predictions.csv") == bytes)
    try FileManager.default.removeItem(atPath: data + "/mislabelled.png")
    try FileManager.default.copyItem(atPath: Command.dress, toPath: data + "/mislabelled.png")
    #expect(try evaluate(data, to: "out", quick).status == 0)
    #expect(folder.bytes("out/predictions.csv") != bytes)
  }

  @Test func `results of which the last was half written go on, and one line for each image remains`() throws {
    let data = try data()
    let quick = ["--attack", "pgd", "--steps", "3", "--batch", "1", "--trace", folder.path("trace.csv"), "--time", "600"]
    #expect(try evaluate(data, to: "out", quick).status == 0)
    let whole = try #require(folder.bytes("out/results.jsonl"))
    #expect(try String(contentsOfFile: folder.path("trace.csv"), encoding: .utf8).split(separator: "\n").count == 1 + 3 * 4)
    _ = try folder.write(whole.dropLast(40), "out/results.jsonl")
    #expect(try evaluate(data, to: "out", quick).status == 0)
    #expect(folder.bytes("out/results.jsonl") == whole)
    #expect(try evaluate(data, to: "out", quick + ["--seed", "1", "--force"]).status == 0)
    let lines = try #require(folder.bytes("out/results.jsonl")).split(separator: UInt8(ascii: "\n"))
    #expect(lines.count == 3 && lines.allSatisfy { String(decoding: $0, as: UTF8.self).contains("\"seed\":1") })
  }

  @Test func `a bound decides the exit status`() throws {
    let data = try data()
    let result = try evaluate(data, to: "out", ["-n", "1", "--fail-if", "asr<=1", "--fail-if", "accuracy > 0.9"])
    #expect(result.status == 3 && result.error.contains("adjoint: asr is "), "\(result)")
    #expect(!result.error.contains("accuracy is"))
    #expect(try evaluate(data, to: "out", ["-n", "1", "--fail-if", "joint@0.06>1"]).status == 0)
    for (condition, words) in [
      ("joint", "no condition"), ("joint>x", "no number"), ("jiont>0.1", "no metric 'jiont'"), ("noise.asr>0", "no metric"),
    ] {
      let refused = try evaluate(data, to: "none", ["--fail-if", condition])
      #expect(refused.status == 2 && refused.error.contains(words), "\(refused)")
    }
  }

  @Test func `what single interpreters, unseen jitter and flows measure is bounded too`() throws {
    let data = try data()
    func status(_ output: String, _ attack: [String], _ metric: String) throws -> Int32 {
      try Command.run(
        ["evaluate", Command.model, "--data", data, "-o", folder.path(output), "-n", "1", "--steps", "3", "--warm", "3"]
          + attack + ["--fail-if", metric + ">=0"]
      ).status
    }
    for metric in ["grad.l1", "mask.iou", "unseen.l1", "floor.spearman", "still.top"] {
      #expect(try status("several", ["--interpreter", "grad,mask"], metric) == 3, "\(metric)")
    }
    for metric in ["flow-loss", "displacement", "displacement-99"] {
      #expect(try status("flow", ["--attack", "adv2-stadv"], metric) == 3, "\(metric)")
    }
    // One interpreter's maps are those without a name.
    let alone = try evaluate(data, to: "alone", ["-n", "1", "--steps", "3", "--warm", "3", "--fail-if", "cam.l1>0"])
    #expect(alone.status == 2 && alone.error.contains("no photo of this run has the metric cam.l1"), "\(alone)")
  }

  @Test func `folders of classes are read, and both halves together are the whole`() throws {
    for (class_, name) in [("Bag", names[0]), ("Dress", names[1]), ("Sandal", names[2])] {
      let path = folder.path("classes/\(class_)")
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      // The same name in each folder.
      try FileManager.default.copyItem(atPath: Command.image(name), toPath: path + "/photo.png")
    }
    func attacked(_ output: String, _ more: [String]) throws -> Set<String> {
      let result = try evaluate(folder.path("classes"), to: output, ["--attack", "pgd", "--steps", "3"] + more)
      if result.status == 1, result.error.contains("none of the 3") { return [] }
      #expect(result.status == 0, "\(result)")
      let table = try String(contentsOfFile: folder.path(output + "/results.csv"), encoding: .utf8).split(separator: "\n")
      return Set(table.dropFirst().compactMap { $0.split(separator: ",").first.map(String.init) })
    }
    let all = try attacked("all", [])
    let dev = try attacked("dev", ["--split", "dev"])
    let test = try attacked("test", ["--split", "test"])
    #expect(all == ["Bag-photo", "Dress-photo", "Sandal-photo"])
    #expect(dev.union(test) == all && dev.isDisjoint(with: test))

    try FileManager.default.createDirectory(atPath: folder.path("classes/Hat"), withIntermediateDirectories: true)
    let unknown = try evaluate(folder.path("classes"), to: "none")
    #expect(unknown.status == 2 && unknown.error.contains("Hat'"), "\(unknown)")
    try FileManager.default.createDirectory(atPath: folder.path("empty"), withIntermediateDirectories: true)
    let empty = try evaluate(folder.path("empty"), to: "none")
    #expect(empty.status == 1 && empty.error.contains("neither index.csv nor folders"), "\(empty)")
  }

  @Test func `a class that does not exist is refused with its line`() throws {
    let data = try data()
    _ = try folder.write("file,class\n\(names[0]).png,12\n".utf8, "data/index.csv")
    let result = try evaluate(data, to: "none")
    #expect(result.status == 2 && result.error.contains("line 2") && result.error.contains("0 to 9"), "\(result)")
  }

  @Test func `a target that is the label is a row that says so`() throws {
    let data = try data()
    _ = try folder.write("file,class,target\n\(names[0]).png,8,8\n\(names[1]).png,3,4\n".utf8, "data/index.csv")
    let result = try evaluate(data, to: "out")
    #expect(result.status == 0 && result.error.contains("which is what the model sees already"), "\(result)")
    #expect(try metrics("out")["failed"] == 1)
  }
}
