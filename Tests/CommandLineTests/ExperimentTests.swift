import Experiments
import Foundation
import Images
import Testing

@Suite struct ExperimentTests {
  private let folder: TemporaryFolder
  private let quick = ["--eps", "0.1", "--steps", "6", "--warm", "4", "--threads", "1", "-n", "2"]

  init() throws { folder = try TemporaryFolder() }

  private func data() throws -> String {
    let path = folder.path("data")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let photos = [("fashion-00018-bag", 8), ("fashion-00013-dress", 3), ("fashion-00008-sandal", 5)]
    for (name, _) in photos { try FileManager.default.copyItem(atPath: Command.image(name), toPath: path + "/\(name).png") }
    let table = "file,class\n" + photos.map { "\($0).png,\($1)\n" }.joined()
    _ = try folder.write(table.utf8, "data/index.csv")
    return path
  }

  /// The same with 100 more photos, which differ in a pixel.
  private func dataToCalibrateOn() throws -> String {
    let path = try data()
    let bag = try Image(contentsOf: Command.bag)
    var table = try text("data/index.csv")
    for number in 0..<100 {
      var levels = bag.pixels
      for channel in 0..<3 { levels[3 * (number + 28 * 9) + channel] ^= 31 }
      _ = try folder.write(
        try Image(width: bag.width, height: bag.height, pixels: levels).encodedPNG(), "data/other\(number).png")
      table += "other\(number).png,8\n"
    }
    _ = try folder.write(table.utf8, "data/index.csv")
    return path
  }

  /// A copy of the network by another name.
  private func secondModel() throws -> String {
    let models = Command.root + "/graphs/models/"
    for (file, name) in [
      ("fashion-resnet.onnx", "second.onnx"), ("fashion-resnet.json", "second.json"),
      ("fashion-labels.txt", "fashion-labels.txt"),
    ] {
      try FileManager.default.copyItem(atPath: models + file, toPath: folder.path(name))
    }
    return folder.path("second.onnx")
  }

  private func experiment(_ ids: [String], to output: String, _ more: [String] = []) throws -> Command.Result {
    try Command.run(
      ["experiment"] + ids + ["--model", Command.model, "--data", try data(), "-o", folder.path(output)] + quick + more)
  }

  private func text(_ path: String) throws -> String { try String(contentsOfFile: folder.path(path), encoding: .utf8) }

  private func files(_ output: String) throws -> [String] {
    let found = try #require(FileManager.default.enumerator(atPath: folder.path(output)))
    return found.compactMap { $0 as? String }.filter { folder.bytes("\(output)/\($0)") != nil }.sorted()
  }

  @Test func `experiments share their runs, and say what they leave out`() throws {
    let result = try experiment(["t3", "t13", "f1", "f6", "t9", "f14"], to: "out", ["--interpreters", "grad,cam"])
    #expect(result.status == 0, "\(result.error)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("out/runs/fashion-resnet")).sorted()
        == ["adv2.cam", "adv2.grad", "pgd.cam", "pgd.grad"])
    for words in ["MASK,not run", "RTS,needs weights", "no second network,-,not run: --second-model names one"] {
      for id in ["t3", "t13", "f6"] { #expect(try text("out/\(id)/\(id).csv").contains(words), "\(id): \(words)") }
    }
    for id in ["t3", "t13", "f4", "f6"] {
      let lines = try text("out/\(id)/\(id).csv").split(separator: "\n")
      let counts = Set(lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).count })
      #expect(lines.count > 2 && counts.count == 1, "\(lines)")
      #expect(try text("out/\(id)/summary.txt").contains("fashion-resnet, CAM: "))
      #expect(result.output.contains(try text("out/\(id)/summary.txt")))
    }
    for id in ["t9", "f14"] {
      #expect(try text("out/\(id)/summary.txt").contains(#/attack on CAM: .*: paper .*, here .*: (holds|does not hold)/#))
    }
    let picture = try Image(contentsOf: folder.path("out/f4/f4.fashion-00018-bag.png"))
    #expect(picture.width > 3 * 224)
    #expect(folder.bytes("out/t13/t13.fashion-resnet.png") != nil && folder.bytes("out/f6/f6.fashion-resnet.IoU.png") != nil)
  }

  @Test func `a second network fills the other half of tables and has figures of its own`() throws {
    let second = ["--second-model", try secondModel(), "--interpreters", "cam", "--steps", "2"]
    let result = try experiment(["t13", "f17"], to: "out", second)
    #expect(result.status == 0, "\(result.error)")
    let lines = try text("out/t13/t13.csv").split(separator: "\n").map(String.init)
    func row(_ name: String) -> Substring? {
      lines.first { $0.hasPrefix(name + ",CAM,") }.map { $0.dropFirst(name.count) }
    }
    // The same network under two names; the paper's ratios, the tenth column, are of two.
    let (first, other) = (try #require(row("fashion-resnet")), try #require(row("second")))
    let columns = [first, other].map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    #expect(columns[0][9] != columns[1][9])
    #expect(columns.map { Array($0[..<9]) }.allSatisfy { $0 == Array(columns[0][..<9]) }, "\(lines)")
    #expect(folder.bytes("out/f17/f17.fashion-00018-bag.png") != nil)
    #expect(folder.bytes("out/runs/second/adv2.cam/summary.json") != nil)
  }

  @Test func `every experiment writes a table, all of its result, a picture and a line beside the paper`() throws {
    let ids = ExperimentCatalogue.experiments.map(\.id)
    let result = try Command.run(
      ["experiment"] + ids + ["--model", Command.model, "--second-model", try secondModel(), "--data"]
        + [try dataToCalibrateOn(), "-o", folder.path("out"), "--interpreters", "cam"] + quick
        + ["-n", "3", "--steps", "2", "--warm", "2"])
    #expect(result.status == 0, "\(result.error)")
    for id in ids {
      let files = try files("out/\(id)")
      for ending in [".csv", "result.json", ".png"] { #expect(files.contains { $0.hasSuffix(ending) }, "\(id): \(files)") }
      #expect(try text("out/\(id)/summary.txt").contains(": paper "), "\(id)")
      for table in files where table.hasSuffix(".csv") {
        #expect(try text("out/\(id)/\(table)").split(separator: "\n").count > 1, "\(table)")
      }
    }
    #expect(try text("out/t10/t10.csv").contains(",14x14,"))
    for id in ["f9", "f11", "f12"] { #expect(folder.bytes("out/\(id)/\(id).fashion-00018-bag.png") != nil, "\(id)") }
    let picture = try Image(contentsOf: folder.path("out/t8/t8.fashion-00018-bag.png"))
    #expect(picture.width > 4 * 224 && picture.height > 3 * 224)
  }

  @Test func `figures of flows have a row of MASK`() throws {
    let result = try Command.run(
      ["experiment", "f9", "f10", "--model", Command.model, "--data", try dataToCalibrateOn(), "-o", folder.path("out")]
        + quick + ["--interpreters", "mask", "-n", "1", "--steps", "2", "--warm", "2"])
    #expect(result.status == 0, "\(result.error)")
    let row = try #require(try text("out/f10/f10.csv").split(separator: "\n").first { $0.contains("MASK") })
    #expect(row.split(separator: ",").suffix(5).allSatisfy { Double($0) != nil }, "\(row)")
    #expect(folder.bytes("out/f9/f9.fashion-00018-bag.png") != nil)
  }

  @Test func `a run that fails leaves its experiments incomplete, and the others whole`() throws {
    let result = try experiment(["t8", "F1/F4", "T3"], to: "out", ["--interpreters", "cam", "-n", "1"])
    let sentence = "no image of the job has another class than label and target of 'fashion-00018-bag'"
    #expect(result.status == 1, "\(result)")
    #expect(result.error.contains("adjoint: t8: fashion-resnet/adv2.cam.class failed: \(sentence)"), "\(result.error)")
    #expect(try text("out/t8/summary.txt").contains("incomplete: fashion-resnet/adv2.cam.class failed: \(sentence)"))
    #expect(try text("out/t8/t8.csv").contains("CAM,\"failed: \(sentence)"))
    #expect(try text("out/t8/result.json").contains(#""failures":["fashion-resnet/adv2.cam.class failed"#))
    for id in ["t3", "f4"] {
      #expect(try text("out/\(id)/result.json").contains(#""failures":[]"#))
      #expect(!result.error.contains("adjoint: \(id)"))
    }
  }

  @Test func `photos or networks that no run could use are refused before any`() throws {
    let call = ["experiment", "f3", "t3", "--model", Command.model, "-o", folder.path("out"), "--data"]
    let result = try Command.run(call + [folder.path("nowhere")])
    #expect(result.status == 1 && result.error.split(separator: "\n").count == 1, "\(result)")
    #expect(folder.bytes("out/f3/result.json") == nil)
  }

  @Test func `squeezers are calibrated on photos that no run attacked, and known to attacks that evade them`() throws {
    let path = try dataToCalibrateOn()
    let call = ["experiment", "t4", "t5", "--model", Command.model, "--data", path, "-o", folder.path("out")]
    let result = try Command.run(call + quick + ["--interpreters", "cam", "-n", "1"])
    #expect(result.status == 0, "\(result.error)")
    let lines = try text("out/t4/t4.csv").split(separator: "\n").map(String.init)
    #expect(lines.count == 6 && lines[0].contains("PGD,GRAD-A,GRAD-A*,CAM-A,CAM-A*"), "\(lines)")
    for (line, name) in zip(lines.dropFirst(), ["bits2", "bits3", "median3", "nlm", "joint"]) {
      #expect(line.hasPrefix(name + ",") && line.contains(",not run,"), "\(line)")
    }
    let adapted = try text("out/t5/t5.csv").split(separator: "\n")
    #expect(adapted.count == 5 && adapted[2].split(separator: ",").compactMap { Double($0) }.count == 7, "\(adapted)")
    let settings = try ["pgd.cam", "adv2.cam", "adv2.cam.evading-bits2-bits3-median3-nlm"].map { run in
      try text("out/runs/fashion-resnet/\(run)/results.jsonl").contains(#""options":{"detector":"#)
    }
    #expect(settings == [false, false, true])
    // The same attack by hand.
    let evading = ["--evade", "bits2,bits3,median3,nlm", "--detector", folder.path("out/runs/fashion-resnet/detector.json")]
    let numbers = ["--attack", "adv2", "--eps", "0.1", "--steps", "6", "--warm", "4", "--threads", "1", "-n", "1"]
    let evaluated = try Command.run(
      ["evaluate", Command.model, "--data", path, "-o", folder.path("alone")] + numbers + evading)
    #expect(evaluated.status == 0, "\(evaluated.error)")
    for file in ["results.jsonl", "fashion-00018-bag.png"] {
      let own = "out/runs/fashion-resnet/adv2.cam.evading-bits2-bits3-median3-nlm/\(file)"
      #expect(folder.bytes("alone/\(file)") == folder.bytes(own), "\(file)")
    }
    let refused = try Command.run(call + quick + ["--interpreters", "cam", "-n", "4"])
    #expect(refused.status == 2 && refused.error.contains("-n 3 or less is accepted"), "\(refused)")
    let halved = try Command.run(call + quick + ["--interpreters", "cam", "-n", "1", "--split", "test"])
    #expect(halved.status == 2 && halved.error.contains("that are not of test"), "\(halved)")
  }

  @Test func `an experiment that was interrupted gives the bytes of one that was not`() throws {
    let only = ["--interpreters", "cam", "--batch", "1", "--steps", "400"]
    let process = Command.process(
      ["experiment", "f4", "--model", Command.model, "--data", try data(), "-o", folder.path("cut")] + quick + only)
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    while process.isRunning, folder.bytes("cut/runs/fashion-resnet/adv2.cam/results.jsonl") == nil {
      Thread.sleep(forTimeInterval: 0.02)
    }
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 130 && folder.bytes("cut/f4/result.json") == nil)
    try FileManager.default.removeItem(atPath: folder.path("data"))
    #expect(try experiment(["f4"], to: "cut", only).status == 0)
    try FileManager.default.removeItem(atPath: folder.path("data"))
    #expect(try experiment(["f4"], to: "whole", only).status == 0)
    let files = try files("whole")
    #expect(try self.files("cut") == files && files.count > 10)
    for file in files where !file.hasSuffix("times.csv") {
      #expect(folder.bytes("cut/" + file) == folder.bytes("whole/" + file), "\(file)")
    }
  }

  @Test(arguments: [
    (["f17"], "f17 is about a second network; name it with --second-model", 2),
    (["t3", "--interpreters", "rts"], "RTS needs weights", 2),
    (["t3", "--rts-weights", "rts.onnx"], "--rts-weights and --rts-input go with rts among --interpreters", 2),
    (["t3", "--interpreters", "lime"], "--interpreters", 2),
    (["t4"], "t4 calibrates squeezers on at least 100 photos that it does not attack, and", 2),
    (["t3", "--mode", "ours"], "--mode", 2),
    (["t3", "--config", Command.root + "/.swift-format"], "name = value is expected", 2),
    (["t99"], "there is no experiment 't99'; f3, t3, ", 2),
    (["t3", "--second-model", Command.model], "both networks are called fashion-resnet", 2),
  ])
  func `what no experiment has is refused by name`(call: [String], words: String, status: Int32) throws {
    let result = try experiment(Array(call.prefix(1)), to: "none", Array(call.dropFirst()))
    #expect(result.status == status && result.error.contains(words), "\(result)")
  }

  @Test func `numbers are those of a mode, which a file may name and the call overrule`() throws {
    let file = try folder.write("mode = code\ninterpreters = cam\n".utf8, "numbers")
    for (output, more, mode) in [("out", [], "code"), ("other", ["--mode", "paper"], "paper")] {
      let result = try experiment(["f4"], to: output, ["--config", file] + more)
      try FileManager.default.removeItem(atPath: folder.path("data"))
      #expect(result.status == 0 && result.output.contains("numbers of the \(mode)"), "\(result)")
      let records = try text("\(output)/runs/fashion-resnet/adv2.cam/results.jsonl")
      #expect(records.contains("\"mode\":\"\(mode)\""), "\(records)")
      #expect(try files(output).allSatisfy { !$0.contains("grad") })
    }
    let other = try folder.write("attack = pgd\n".utf8, "attack")
    let refused = try Command.run(["experiment", "f3", "-o", folder.path("none"), "--config", other])
    #expect(refused.status == 2 && refused.error.contains("sets attack; known are interpreters, mode,"), "\(refused)")
  }

  @Test func `the list names every experiment`() throws {
    let result = try Command.run("experiment", "--list")
    #expect(result.status == 0)
    for id in ["t3", "t4", "t13, f5", "f4, f1", "f6", "f17", "f22"] {
      #expect(result.output.contains("\n" + id + " ") || result.output.hasPrefix(id))
    }
  }
}
