import Foundation
import Testing

/// What an attack would cost, and what it may.
@Suite struct BudgetTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func call(_ more: [String], of images: [String] = [Command.bag]) -> [String] {
    ["attack", Command.model] + images + ["--target", "Coat", "-o", folder.path("out")] + more
  }

  /// The lines of what --check prints, by how they begin.
  private func check(_ call: [String]) throws -> [String: [String]] {
    let result = try Command.run(call + ["--check"])
    #expect(result.status == 0, "\(result.error)")
    #expect(folder.files.filter { $0 == "out" }.isEmpty)
    var lines: [String: [String]] = [:]
    for line in result.output.split(separator: "\n") {
      guard let gap = line.range(of: "  ") else { continue }
      let words = line[gap.upperBound...].drop { $0 == " " }
      lines[String(line[..<gap.lowerBound]), default: []].append(String(words))
    }
    return lines
  }

  private func megabytes(_ program: String) throws -> Double {
    let words = program.split(separator: " ")
    let unit = try #require(words.firstIndex(of: "MB"))
    return try #require(Double(words[unit - 1]))
  }

  @Test(arguments: [
    (["--attack", "pgd", "--steps", "40"], ["map", "pgdStep"], ["steps": "40 steps of "], "1 forward, 1 backward, 0"),
    (
      ["--interpreter", "grad", "--compare"], ["map", "pgdStep", "step"],
      ["warm and pgd": "1000 steps of ", "second phase": "704 steps of "], "1 forward, 2 backward, 1"
    ),
    (
      ["--evade", "bits2,bits3,median3", "--evasion", "both", "--steps", "9"], ["map", "pgdStep", "step"],
      ["squeezed space": "800 steps of ", "second phase": "9 steps of "], "4 forward, 4 backward, 0"
    ),
    (
      ["--attack", "adv2-stadv"], ["map", "warp", "flowStep", "flowMapStep"],
      ["warm": "200 steps of ", "second phase": "600 steps of "], "1 forward, 1 backward, 0"
    ),
    (
      ["--interpreter", "mask", "--steps", "50"],
      ["scores", "maskViews", "maskStep", "pgdStep", "marginSignStep", "marginStep", "lookahead", "marginSearch"],
      ["warm": "400 steps of ", "second phase": "50 steps of "], " backward, 4 second-order"
    ),
    (
      ["--interpreter", "mask", "--steps", "50", "--compare"],
      ["scores", "maskViews", "maskStep", "pgdStep", "marginSignStep", "marginStep", "lookahead", "marginSearch"],
      ["pgd": "650 steps of ", "warm": "400 steps of ", "second phase": "50 steps of "], " backward, 4 second-order"
    ),
    (
      ["--interpreter", "cam,mask", "--steps", "50"],
      ["scores", "maskViews", "maskStep", "map", "pgdStep", "step", "lookahead", "marginSearch"],
      ["warm": "400 steps of ", "without mask": "34 steps of ", "second phase": "16 steps of "],
      " backward, 4 second-order"
    ),
  ])
  func `a check says what an attack sees and costs, and attacks nothing`(
    options: [String], programs: [String], steps: [String: String], sweeps: String
  ) throws {
    let lines = try check(call(options))
    let prediction = try #require(lines["prediction"]?.first)
    #expect(prediction.hasPrefix("Bag 0.99") && prediction.split(separator: ",").count == 5, "\(prediction)")
    #expect(lines["target"]?.first?.hasPrefix("Coat ") == true)
    #expect(lines["preprocessing"]?.first?.contains("28 x 28 pixels, shorter side 28 bilinear") == true, "\(lines)")
    #expect(lines["program"]?.map { $0.prefix { $0 != ":" } }.map(String.init) == programs)
    for program in lines["program"] ?? [] {
      let working = try megabytes(program)
      #expect(program.contains(" GFLOP, ") && working > 0)
    }
    for (phase, words) in steps { #expect(lines[phase]?.first?.hasPrefix(words) == true, "\(lines)") }
    let last = try #require(lines["second phase"]?.first ?? lines["steps"]?.first)
    #expect(last.contains(sweeps), "\(last)")
    #expect(lines["whole call"]?.first?.contains("for 1 image in 1 batch") == true, "\(lines)")
  }

  @Test func `a check of an evaluation takes its first readable photo and its numbers`() throws {
    let data = folder.path("data")
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    for name in ["bag", "sandal"] {
      try FileManager.default.copyItem(
        atPath: name == "bag" ? Command.bag : Command.sandal, toPath: data + "/\(name).png")
    }
    _ = try folder.write("file,class\nnone.png,1\nbag.png,Bag\nsandal.png,Sandal\n".utf8, "data/index.csv")
    let lines = try check(["evaluate", Command.model, "--data", data, "-n", "2", "-o", folder.path("out"), "--reference"])
    #expect(lines["image"] == [data + "/bag.png"] && lines["prediction"]?.first?.hasPrefix("Bag") == true, "\(lines)")
    #expect(lines["runs on"]?.first?.hasPrefix("reference") == true)
    #expect(lines["whole call"]?.first?.contains("for 2 images in 1 batch") == true, "\(lines)")
  }

  @Test func `a limit on memory makes batches smaller, and refuses what does not fit`() throws {
    let images = [Command.bag, Command.dress, Command.sandal]
    func largest(_ more: [String]) throws -> (megabytes: Double, batches: String) {
      let lines = try check(call(more, of: images))
      return (
        try (lines["program"] ?? []).map(megabytes).max() ?? 0, try #require(lines["runs on"]?.first)
      )
    }
    let three = try largest(["--batch", "3"])
    let one = try largest(["--batch", "1"])
    #expect(three.batches.hasSuffix("batches of 3") && one.batches.hasSuffix("batches of 1"))
    let between = (one.megabytes + three.megabytes) / 2
    let limited = try largest(["--memory", "\(between)M"])
    #expect(limited.megabytes <= between && !limited.batches.hasSuffix("batches of 3"), "\(limited)")
    let settled = try Command.run(call(["--batch", "3", "--memory", "\(between)M", "--check"], of: images))
    #expect(settled.status == 2 && settled.error.contains("a batch of 3 takes "), "\(settled)")
    let refused = try Command.run(call(["--memory", "2K"], of: images))
    #expect(refused.status == 2 && refused.error.contains("a batch of 1 takes "), "\(refused)")
    #expect(refused.error.contains("--memory allows 2K") && folder.files.filter { $0 == "out" }.isEmpty)
  }

  @Test func `a limit on memory holds for an artifact, whose batch cannot become smaller`() throws {
    let artifact = folder.path("model.adjoint")
    let compiled = try Command.run("compile", Command.model, "--of", "step", "--batch", "2", "-o", artifact)
    #expect(compiled.status == 0, "\(compiled)")
    let data = folder.path("data")
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: Command.bag, toPath: data + "/bag.png")
    _ = try folder.write("file,class\nbag.png,Bag\n".utf8, "data/index.csv")
    for call in [
      ["attack", artifact, Command.bag, "--target", "Coat", "-o", folder.path("out")],
      ["evaluate", artifact, "--data", data, "-o", folder.path("out")],
    ] {
      #expect(try check(call + ["--memory", "500M"])["runs on"]?.first?.hasSuffix("batches of 2") == true)
      let refused = try Command.run(call + ["--memory", "2K"])
      #expect(refused.status == 2 && refused.error.contains("a batch of 2 takes "), "\(refused)")
      #expect(refused.error.contains("MB of working memory; --memory allows 2K"), "\(refused)")
    }
  }

  @Test(arguments: ["2X", "0", "-1G", "1e30", "G", ""])
  func `a limit that is no number of bytes is refused`(limit: String) throws {
    let result = try Command.run(call(["--memory=\(limit)"]))
    #expect(result.status == 2 && result.error.contains("--memory"), "\(result)")
  }
}
