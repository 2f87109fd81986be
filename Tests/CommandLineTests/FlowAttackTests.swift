import Foundation
import Testing

/// stAdv and ADV² on it from the command line.
@Suite struct FlowAttackTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func attack(_ more: [String]) throws -> Command.Result {
    try Command.run(["attack", Command.model, Command.bag, "--target", "Coat", "-o", folder.path("out")] + more)
  }

  private func record() throws -> [String: Any] {
    let lines = try String(contentsOfFile: folder.path("out/results.jsonl"), encoding: .utf8).split(separator: "\n")
    let line = try #require(lines.first)
    return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  @Test(arguments: ["cam", "grad", "ig", "mask", "grad,cam", "cam,mask"])
  func `a moved image is recorded with its flow and without eps`(interpreter: String) throws {
    let isSampled = interpreter == "ig"
    let result = try attack(
      ["--attack", "adv2-stadv", "--interpreter", interpreter, "--steps", "14", "--warm", "20", "--compare"]
        + (isSampled ? ["--samples", "3"] : []))
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains("under stAdv") && result.output.contains("pixels moved by"))
    let record = try record()
    let settings = try #require(record["settings"] as? [String: Any])
    #expect(settings["attack"] as? String == "adv2-stadv" && settings["eps"] == nil && settings["alpha"] == nil)
    #expect(settings["smoothness"] as? Double == (interpreter == "mask" ? 0.0000003 : 0.00002))
    let flow = try #require(record["flow"] as? [String: Double])
    #expect(flow.keys.sorted() == ["displacementPercentile99", "loss", "meanDisplacement"])
    let similarity = try #require(record["ssim"] as? Double)
    #expect((0.2..<1).contains(similarity))
    let others = try #require(record["others"] as? [[String: Any]])
    #expect(others.compactMap { $0["name"] as? String } == ["last", "stadv.last", "stadv.chosen"])
    #expect(others.allSatisfy { $0["flow"] is [String: Double] })
    let controls = try #require(record["controls"] as? [[String: Any]])
    #expect(controls.first?["unavailable"] as? String == "no eps bounds a flow")
  }

  @Test func `a flow is traced, and cut when time is over`() throws {
    let trace = folder.path("trace.csv")
    let result = try attack(["--attack", "stadv", "--steps", "1000000", "--time", "0.5", "--trace", trace])
    #expect(result.status == 0 && result.output.contains("cut when time was over"), "\(result)")
    #expect(try record()["cut"] as? Bool == true)
    #expect(try String(contentsOfFile: trace, encoding: .utf8).contains(",flowStep,1,"))
  }

  @Test func `what a flow does not have is refused`() throws {
    let result = try attack(["--attack", "stadv", "--eps", "8/255"])
    #expect(result.status == 2 && result.error.contains("moves pixels, which --eps and --alpha do not bound"))
    let search = try attack(["--attack", "adv2-stadv", "--interpreter", "mask", "--halvings", "3"])
    #expect(search.status == 2 && search.error.contains("--halvings goes with --attack adv2 --interpreter mask"))
  }

  @Test(arguments: ["mask", "ig", "cam,mask"])
  func `what a flow against a map beyond one graph costs is known ahead`(interpreter: String) throws {
    let result = try attack(["--attack", "adv2-stadv", "--interpreter", interpreter, "--check"])
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains("second phase") && result.output.contains("adv2-stadv on \(interpreter)"))
    #expect(interpreter == "ig" || !result.output.contains("marginSearch"))
  }

  @Test func `the numbers of a flow against MASK are printed`() throws {
    for (mode, lines) in [
      ("default", ["marginFloor     = -8.0  # default", "stages          = 600 x 3.0  # default"]),
      ("code", ["marginFloor     = -5.0  # code", "stages          = 1000 x 500.0  # code", "followerRate    = 0.1 of"]),
    ] {
      let result = try attack(["--attack", "adv2-stadv", "--interpreter", "mask", "--mode", mode, "--print-config"])
      #expect(result.status == 0)
      for line in lines { #expect(result.output.contains(line), "\(line) in \(result.output)") }
      #expect(!result.output.contains("halvings") && !result.output.contains("largestStep"))
    }
  }

  @Test func `the numbers of a flow are printed`() throws {
    let result = try attack(["--attack", "adv2-stadv", "--mode", "code", "--print-config"])
    #expect(result.status == 0)
    for words in ["crossEntropyWeight = 2.0  # code", "smoothness         = 0.0005  # code", "warm               = 200"] {
      #expect(result.output.contains(words), "\(words) in \(result.output)")
    }
    #expect(!result.output.contains("\neps "))
  }
}
