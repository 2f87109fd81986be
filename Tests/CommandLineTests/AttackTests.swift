import Arrays
import Foundation
import Images
import TensorTypes
import Testing

@Suite struct AttackTests {
  private let folder: TemporaryFolder
  private let quick = ["--eps", "0.2", "--steps", "60", "--warm", "20", "--target", "Coat"]

  init() throws { folder = try TemporaryFolder() }

  private func attack(_ images: [String], to output: String, _ more: [String] = []) throws -> Command.Result {
    try Command.run(["attack", Command.model] + images + quick + ["-o", folder.path(output)] + more)
  }

  private func records(_ output: String) throws -> [[String: Any]] {
    try String(contentsOfFile: folder.path(output + "/results.jsonl"), encoding: .utf8).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  /// By their kinds.
  private func controls(_ record: [String: Any]) throws -> [String: [String: Any]] {
    let controls = try #require(record["controls"] as? [[String: Any]])
    return Dictionary(uniqueKeysWithValues: try controls.map { (try #require($0["kind"] as? String), $0) })
  }

  @Test(arguments: ["pgd", "adv2"])
  func `an attack writes arrays, an image within eps, panels and a record`(method: String) throws {
    let result = try attack([Command.bag], to: "out", ["--attack", method, "--interpreter", "cam"])
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains("fashion-00018-bag: Bag 0.99"))
    let name = "out/fashion-00018-bag"
    let arrays = Dictionary(
      uniqueKeysWithValues: try NPZ.read(path: folder.path(name + ".npz")).map { ($0.name, $0.tensor) })
    #expect(
      arrays.keys.sorted() == ["adversarial", "label", "mapAdversarial", "mapBenign", "probabilities", "target", "x"])
    #expect(arrays["x"]?.type == TensorType(.float32, [1, 1, 28, 28]))
    #expect(arrays["adversarial"]?.type == TensorType(.float32, [1, 1, 28, 28]))
    #expect(arrays["label"]?.integers == [8] && arrays["target"]?.integers == [4])
    let x = try #require(arrays["x"]).doubles
    let adversarial = try #require(arrays["adversarial"]).doubles
    #expect(zip(x, adversarial).allSatisfy { abs($0 - $1) <= 0.2 + 1e-6 && (0...1).contains($1) })
    #expect(x != adversarial)

    let photo = try Image(contentsOf: Command.bag)
    let changed = try Image(contentsOf: folder.path(name + ".png"))
    #expect(photo.pixels.count == changed.pixels.count)
    #expect(zip(photo.pixels, changed.pixels).allSatisfy { abs(Double($0) - Double($1)) / 255 <= 0.2 })
    #expect(photo != changed)
    #expect(try Image(contentsOf: folder.path(name + ".report.png")).width > 600)

    let record = try #require(try records("out").first)
    #expect(record["label"] as? Int == 8 && record["target"] as? Int == 4)
    let settings = try #require(record["settings"] as? [String: Any])
    #expect((settings["modelSHA256"] as? String)?.count == 64)
    #expect(settings["batch"] as? Int == 1 && settings["version"] as? String == "0.1.0" && settings["seed"] as? Int == 0)
    let preprocessing = try #require(settings["preprocessing"] as? String)
    #expect(
      preprocessing.hasPrefix("range [0.0, 1.0], mean [") && preprocessing.contains("grey, nchw, "), "\(preprocessing)")
    #expect(preprocessing.hasSuffix(" 28 bilinear, centre"), "\(preprocessing)")
    for part in ["float", "png"] {
      let judged = try #require(record[part] as? [String: Any])
      #expect(judged["mapL1"] as? Double != nil && judged["success"] as? Bool != nil)
      let correlation = try #require(judged["mapSpearman"] as? Double)
      let overlap = try #require(judged["mapTopOverlap"] as? Double)
      let cosine = try #require(judged["mapCosine"] as? Double)
      #expect((-1...1).contains(correlation) && (0...1).contains(overlap) && (0...1).contains(cosine))
    }
    let controls = try controls(record)
    #expect(controls["otherImage"]?["unavailable"] as? String == "the job has one image")
    #expect(controls["otherImage"]?["map"] == nil)
    #expect(result.output.split(separator: "\n").count == 1, "\(result.output)")
    let sweeps = try #require(record["sweeps"] as? [String: Int])
    #expect(sweeps["backward"] == (method == "pgd" ? 60 : 80))
  }

  @Test func `an attack on GRAD records its mode and its sweeps, and its seed decides the result`() throws {
    let call = ["--attack", "adv2", "--interpreter", "grad", "--steps", "35"]
    var images: [[Double]] = []
    for (output, seed) in [("first", "1"), ("again", "1"), ("other", "2")] {
      let result = try attack([Command.bag], to: output, call + ["--seed", seed])
      #expect(result.status == 0, "\(result.error)")
      let arrays = Dictionary(
        uniqueKeysWithValues: try NPZ.read(path: folder.path("\(output)/fashion-00018-bag.npz"))
          .map { ($0.name, $0.tensor) })
      #expect(arrays["mapAdversarial"]?.shape == [28, 28] && arrays["mapBenign"]?.shape == [28, 28])
      images.append(try #require(arrays["adversarial"]).doubles)
    }
    #expect(images[0] == images[1] && images[0] != images[2])
    let record = try #require(try records("first").first)
    let settings = try #require(record["settings"] as? [String: Any])
    #expect(settings["interpreter"] as? String == "grad" && settings["mode"] as? String == "default")
    let sweeps = try #require(record["sweeps"] as? [String: Int])
    // 2 benign maps, 20 + 35 steps, checks after 5 and 15 of 15, after 10 of 10, and after each 5.
    #expect(sweeps == ["forward": 2 + 55 + 5, "backward": 2 + 55 + 35 + 5, "secondOrder": 35])
  }

  @Test func `the numbers of a mode are printed with where they come from`() throws {
    let result = try Command.run([
      "attack", "m.onnx", "i.png", "--target", "1", "-o", folder.path("none"), "--interpreter", "grad", "--mode", "paper",
      "--warm", "7", "--print-config",
    ])
    #expect(result.status == 0, "\(result.error)")
    let lines = result.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    for line in ["stages = 800 x 0.007 # paper", "warm = 7 # option", "confidence = 0.9 # default", "final-alpha = 1.0 # paper"] {
      #expect(lines.contains(line), "\(result.output)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("none")))
  }

  @Test func `on the small model ADV² moves the label and keeps the map closer than PGD`() throws {
    let call = ["--attack", "adv2", "--compare", "--eps", "0.2", "--steps", "300", "--warm", "100", "--force"]
    let result = try attack([Command.bag, Command.dress, Command.sandal], to: "out", call)
    #expect(result.status == 0, "\(result.error)")
    let all = try records("out")
    #expect(all.count == 3)
    var own = 0.0
    var plain = 0.0
    for record in all {
      let png = try #require(record["png"] as? [String: Any])
      #expect(png["success"] as? Bool == true, "\(record["image"] ?? "")")
      own += try #require(png["mapL1"] as? Double)
      let others = try #require(record["others"] as? [[String: Any]])
      #expect(others.compactMap { $0["name"] as? String } == ["last", "pgd.last", "pgd.stopped", "pgd.chosen"])
      plain += try #require((others[1]["png"] as? [String: Any])?["mapL1"] as? Double)
    }
    #expect(own < 0.5 * plain)
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines.allSatisfy { $0.count <= 125 })
    for start in [
      "joint success", "map beside the benign one", "adv2 ", "adv2.last", "pgd.last", "pgd.stopped", "pgd.chosen",
      "uniform noise", "another photo", "constant map", "unchanged, target class", "original class",
    ] {
      #expect(lines.contains { $0.hasPrefix(start) }, "\(start) in \(result.output)")
    }
  }

  @Test func `several interpreters are attacked in one step, and each has its figures`() throws {
    let images = [Command.bag, Command.dress]
    let result = try attack(
      images, to: "several", ["--interpreter", "cam,grad", "--steps", "12", "--warm", "3", "--compare"])
    #expect(result.status == 0, "\(result.error)")
    for name in ["adv2 on cam", "adv2 on grad", "pgd.last on grad"] {
      #expect(result.output.contains(name), "\(result.output)")
    }
    for record in try records("several") {
      let png = try #require(record["png"] as? [String: Any])
      let maps = try #require(png["maps"] as? [[String: Any]])
      #expect(maps.map { $0["interpreter"] as? String } == ["cam", "grad"])
      let distances = maps.compactMap { ($0["map"] as? [String: Any])?["l1"] as? Double }
      #expect(distances.count == 2)
      #expect(abs(distances.reduce(0, +) / 2 - (try #require(png["mapL1"] as? Double))) < 1e-6)
    }
    let given = try attack(
      images, to: "given", ["--interpreter", "cam,grad", "--weights", "grad=0,cam=300", "--steps", "12", "--warm", "3"])
    #expect(given.status == 0, "\(given.error)")
    func distances(_ output: String) throws -> [Double] {
      try records(output).compactMap { record in
        let maps = (record["png"] as? [String: Any])?["maps"] as? [[String: Any]]
        return (maps?.first?["map"] as? [String: Any])?["l1"] as? Double
      }
    }
    let (balanced, towardsCAM) = (try distances("several"), try distances("given"))
    #expect(balanced.count == 2 && towardsCAM.count == 2)
    #expect(towardsCAM.reduce(0, +) < balanced.reduce(0, +))
    for (weights, error) in [
      ("cam=1", "--weights is 'cam=1'; one weight for each of cam, grad is accepted"),
      ("cam=1,grad=-1", "--weights is 'cam=1,grad=-1'; such as 'cam=40,grad=30' is accepted"),
    ] {
      let refused = try attack(images, to: "refused", ["--interpreter", "cam,grad", "--weights", weights])
      #expect(refused.status == 2 && refused.error.hasPrefix("adjoint: \(error)"), "\(refused)")
    }
    let single = try attack(images, to: "refused", ["--interpreter", "cam", "--weights", "cam=1"])
    #expect(single.status == 2 && single.error.hasPrefix("adjoint: --weights goes with several interpreters, not with cam"))
    for (words, error) in [
      ("cam,ig", "ig does not go with others: its map is no single graph"),
      ("cam,cam", "--interpreter names an interpreter twice: cam,cam"), ("cam,", "there is no interpreter ''"),
    ] {
      let refused = try attack(images, to: "refused", ["--interpreter", words])
      #expect(refused.status == 2 && refused.error.hasPrefix("adjoint: \(error)"), "\(refused)")
    }
  }

  @Test(arguments: ["cam", "grad", "grad-cam", "deeplift", "smoothgrad"])
  func `the controls of a record are those maps of the interpreter`(interpreter: String) throws {
    let images = [Command.bag, Command.dress]
    let result = try attack(images, to: "out", ["--interpreter", interpreter, "--steps", "12", "--warm", "3"])
    #expect(result.status == 0, "\(result.error)")
    func map(_ path: String, _ label: String) throws -> [Float] {
      let output = folder.path("maps-\(UUID().uuidString)")
      let explained = try Command.run(
        "explain", Command.model, path, "--class", label, "--interpreter", interpreter, "-o", output, "--batch", "2")
      #expect(explained.status == 0, "\(explained.error)")
      let name = try #require(path.split(separator: "/").last).replacingOccurrences(of: ".png", with: ".npz")
      return try #require(try NPZ.read(path: output + "/" + name).first { $0.name == "map" }?.tensor).floats
    }
    func distance(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double(abs($1.0 - $1.1)) } / Double(a.count)
    }
    /// JSONSerialization reads numbers with an error in their last digit.
    func expectL1(_ value: Any?, _ expected: Double) throws {
      let l1 = try #require((value as? [String: Any])?["l1"] as? Double)
      #expect(abs(l1 - expected) < 1e-12)
    }
    let record = try #require(try records("out").first)
    let controls = try controls(record)
    #expect(controls.keys.sorted() == ["cleanTarget", "constant", "noise", "otherImage"])
    let benign = try map(Command.bag, "Bag")
    try expectL1(controls["cleanTarget"]?["map"], distance(benign, try map(Command.bag, "Coat")))
    try expectL1(controls["otherImage"]?["map"], distance(benign, try map(Command.dress, "Dress")))
    #expect(controls["otherImage"]?["image"] as? String == "fashion-00013-dress")
    try expectL1(record["originalClass"], distance(benign, try map(folder.path("out/fashion-00018-bag.png"), "Bag")))
    let constant = try #require(controls["constant"]?["map"] as? [String: Any])
    let mean = Float(benign.reduce(0) { $0 + Double($1) } / Double(benign.count))
    try expectL1(constant, distance(benign, benign.map { _ in mean }))
    #expect(constant["spearman"] == nil && constant["topOverlap"] == nil)
    let noise = try #require(controls["noise"]?["map"] as? [String: Any])
    #expect(try #require(noise["l1"] as? Double) > 0)
    let last = try #require(try records("out").last)
    #expect(try self.controls(last)["otherImage"]?["image"] as? String == "fashion-00018-bag")
  }

  @Test func `threads, order, batch mates and interruption change no bytes`() throws {
    let images = [Command.bag, Command.dress, Command.sandal]
    #expect(try attack(images, to: "a", ["--batch", "2", "--threads", "1"]).status == 0)
    #expect(try attack(images.reversed(), to: "b", ["--batch", "2", "--threads", "2"]).status == 0)
    #expect(try attack([images[1]], to: "c", ["--batch", "2"]).status == 0)
    for name in ["fashion-00018-bag", "fashion-00013-dress", "fashion-00008-sandal"] {
      for ending in [".npz", ".png", ".report.png"] {
        let bytes = try #require(folder.bytes("a/\(name)\(ending)"))
        #expect(folder.bytes("b/\(name)\(ending)") == bytes, "\(name)\(ending)")
        if name.hasSuffix("dress") { #expect(folder.bytes("c/\(name)\(ending)") == bytes) }
      }
    }
    // All of a record but time, threads, and the control that is another image of the same job.
    func dress(_ output: String) throws -> NSDictionary {
      var record = try #require(try records(output).first { $0["image"] as? String == "fashion-00013-dress" })
      for name in ["seconds", "threads"] { record[name] = nil }
      record["controls"] = try controls(record).filter { $0.key != "otherImage" }
      return record as NSDictionary
    }
    #expect(try dress("a") == (try dress("b")))
    #expect(try dress("a") == (try dress("c")))
  }

  @Test func `a rerun skips finished images until something that decides them changes`() throws {
    #expect(try attack([Command.bag], to: "out", ["--batch", "1"]).status == 0)
    let first = try records("out")
    let again = try attack([Command.bag, Command.dress], to: "out", ["--batch", "1"])
    #expect(again.output.contains("fashion-00018-bag") && again.output.contains("(finished before)"))
    #expect(!again.output.contains("finished before)\nfashion-00018-bag"))
    let second = try records("out")
    #expect(second.count == 2)
    #expect(second[0]["seconds"] as? Double == first[0]["seconds"] as? Double)
    let other = try attack([Command.bag], to: "out", ["--batch", "1", "--alpha", "2/255"])
    #expect(!other.output.contains("finished before"))
    try FileManager.default.removeItem(atPath: folder.path("out/fashion-00018-bag.png"))
    let lost = try attack([Command.bag], to: "out", ["--batch", "1", "--alpha", "2/255"])
    #expect(!lost.output.contains("finished before"))
    #expect(folder.bytes("out/fashion-00018-bag.png") != nil)
  }

  @Test func `an interrupt ends at once with status 130 and keeps finished images`() throws {
    let long = ["--batch", "1", "--steps", "200000", "--warm", "0", "--force"]
    let short = try attack([Command.bag], to: "out", ["--batch", "1"])
    #expect(short.status == 0)
    let before = folder.bytes("out/fashion-00018-bag.npz")
    let log = folder.bytes("out/results.jsonl")
    let process = Command.process(
      ["attack", Command.model, Command.dress, "--target", "Coat", "-o", folder.path("out")] + long)
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    Thread.sleep(forTimeInterval: 2)
    #expect(process.isRunning)
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 130)
    #expect(folder.bytes("out/fashion-00018-bag.npz") == before)
    #expect(folder.bytes("out/results.jsonl") == log)
    #expect(!FileManager.default.fileExists(atPath: folder.path("out/fashion-00013-dress.npz")))
  }

  @Test func `a rerun after an interrupt gives the bytes of a run without one`() throws {
    let images = [Command.bag, Command.dress, Command.sandal]
    let call = ["--batch", "1", "--threads", "1", "--attack", "pgd", "--steps", "1500"]
    let process = Command.process(["attack", Command.model] + images + quick + ["-o", folder.path("cut")] + call)
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    while process.isRunning, folder.bytes("cut/results.jsonl") == nil { Thread.sleep(forTimeInterval: 0.02) }
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 130)
    let kept = try FileManager.default.contentsOfDirectory(atPath: folder.path("cut"))
    #expect(kept.contains("fashion-00018-bag.report.png") && !kept.contains("fashion-00008-sandal.npz"))
    #expect(kept.allSatisfy { !$0.hasPrefix(".") }, "\(kept)")

    let again = try attack(images, to: "cut", call)
    #expect(again.status == 0 && again.output.contains("(finished before)"), "\(again)")
    #expect(try attack(images, to: "whole", call).status == 0)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path("whole")).sorted()
    #expect(files.count == 10)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("cut")).sorted() == files)
    for file in files where file != "results.jsonl" {
      #expect(folder.bytes("cut/" + file) == folder.bytes("whole/" + file), "\(file)")
    }
    func untimed(_ output: String) throws -> [NSDictionary] {
      try records(output).map { record in
        var record = record
        record["seconds"] = nil
        return record as NSDictionary
      }
    }
    #expect(try untimed("cut") == (try untimed("whole")))
    // The last image's neighbour is the first, which was finished before.
    let last = try #require(try records("cut").last)
    #expect(try controls(last)["otherImage"]?["image"] as? String == "fashion-00018-bag")
  }

  @Test func `targets come from a table, and misclassified images can be left out`() throws {
    let table = "file,class,target\n\(Command.bag),8,4\n\(Command.dress),0,4\n"
    let csv = try folder.write(table.utf8, "targets.csv")
    let result = try Command.run(
      "attack", Command.model, "--targets", csv, "--only-correct", "--eps", "0.2", "--steps", "5", "--warm", "1", "-o",
      folder.path("out"))
    #expect(result.status == 0, "\(result.error)")
    #expect(result.error.contains("fashion-00013-dress: left out, the model sees Dress"))
    #expect(try records("out").map { $0["image"] as? String } == ["fashion-00018-bag"])
    // With the limit reached, a rerun has nothing left to do.
    let again = try Command.run(
      "attack", Command.model, "--targets", csv, "--only-correct", "--eps", "0.2", "--steps", "5", "--warm", "1", "-o",
      folder.path("out"), "--batch", "2", "--limit", "1")
    #expect(again.status == 0 && again.output.contains("fashion-00018-bag") && again.error.isEmpty, "\(again)")
  }
}
