import Foundation
import Testing

/// ADV² that squeezers shall not tell, from the command line.
@Suite struct EvadeTests {
  @Test func `an attack that evades squeezers says so in its record, compiled and from an artifact refused otherwise`()
    throws
  {
    let folder = try TemporaryFolder()
    let call = ["attack", Command.model, Command.bag, "--target", "Coat", "--eps", "0.2", "-o", folder.path("out")]
    let result = try Command.run(call + ["--steps", "20", "--evade", "bits3,median3,nlm", "--evasion-weight", "2"])
    #expect(result.status == 0, "\(result.error)")
    let text = try String(contentsOfFile: folder.path("out/results.jsonl"), encoding: .utf8)
    let record = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let settings = try #require(record["settings"] as? [String: Any])
    #expect(settings["evaded"] as? [String] == ["bits3", "median3", "nlm"])
    #expect(settings["evasionWeight"] as? Double == 2 && settings["warm"] as? Int == 400)
    // Two for the benign map, the warm start, twenty steps through four networks, two checks.
    #expect((record["sweeps"] as? [String: Int])?["forward"] == 2 + 400 + 20 * 4 + 2)

    for (more, words) in [
      (["--evade", "blur"], "blur"), (["--evasion-weight", "2"], "go with --evade"),
      (["--attack", "pgd", "--evade", "nlm"], "goes with --attack adv2"),
      (["--interpreter", "mask,cam", "--evade", "nlm"], "goes with mask alone"),
      (["--interpreter", "mask", "--evade", "bits3", "--evasion", "paper"], "not by paper"),
      (["--interpreter", "mask", "--evade", "median3", "--mode", "code"], "not by code"),
      (["--evasion", "both"], "go with --evade"),
      (["--mode", "code", "--evade", "nlm"], "has none of nlm"),
      (["--norm", "l2", "--evade", "bits3", "--evasion", "paper"], "bits3 goes with --norm linf"),
    ] {
      let refused = try Command.run(call + more)
      #expect(refused.status == 2 && refused.error.contains(words), "\(refused.error)")
    }
  }

  @Test func `an attack that evades squeezers starts at the photo, but by default warm against several in the direct form`()
    throws
  {
    let call = ["attack", Command.model, Command.bag, "--target", "Coat", "-o", "none", "--print-config"]
    for (more, steps, warm) in [
      ([], 400, 400), (["--evade", "bits3"], 800, 0), (["--evade", "bits3,nlm"], 400, 400),
      (["--evade", "bits3,nlm", "--evasion", "paper"], 800, 0), (["--evade", "bits3,median3", "--mode", "code"], 1200, 0),
    ] {
      let result = try Command.run(call + more)
      let numbers = result.output.split(separator: "\n").reduce(into: [String: Int]()) { numbers, line in
        let words = line.split(separator: " ")
        if words.count > 2, words[1] == "=" { numbers[String(words[0])] = Int(words[2]) }
      }
      #expect(numbers["steps"] == steps && numbers["warm"] == warm, "\(result.output)")
    }
  }

  @Test(arguments: [["ig", "--samples", "2"], ["smoothgrad", "--samples", "2"]])
  func `against averages over samples, too, an attack evades squeezers`(interpreter: [String]) throws {
    let folder = try TemporaryFolder()
    let result = try Command.run(
      ["attack", Command.model, Command.bag, "--target", "Coat", "--interpreter"] + interpreter
        + ["--steps", "3", "--evade", "bits3,median3,nlm", "-o", folder.path("out")])
    #expect(result.status == 0, "\(result.error)")
  }

  @Test func `against MASK, too, an attack evades squeezers, from a warm start`() throws {
    let folder = try TemporaryFolder()
    let result = try Command.run(
      ["attack", Command.model, Command.bag, "--target", "Coat", "--eps", "0.2", "--interpreter", "mask", "--steps", "2"]
        + ["--warm", "5", "--evade", "bits3,nlm", "-o", folder.path("out")])
    #expect(result.status == 0, "\(result.error)")
    let text = try String(contentsOfFile: folder.path("out/results.jsonl"), encoding: .utf8)
    let record = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let settings = try #require(record["settings"] as? [String: Any])
    #expect(settings["evaded"] as? [String] == ["bits3", "nlm"] && settings["warm"] as? Int == 5)
    let sweeps = try #require(record["sweeps"] as? [String: Int])
    // 300 for each of two maps, the warm start through three networks, eight steps of the mask in each iteration.
    #expect((sweeps["backward"] ?? 0) >= 2 * 300 + 5 * 3 + 2 * 8)
    #expect(sweeps["secondOrder"] == 2 * 4)
  }

  @Test func `the paper's search in squeezed space is counted, and runs from an artifact with the same result`() throws {
    let folder = try TemporaryFolder()
    let form = ["--evade", "bits3", "--evasion", "paper"]
    let made = try Command.run(["compile", Command.model, "--of", "step", "-o", folder.path("step.adjoint")] + form)
    #expect(made.status == 0, "\(made.error)")
    func attack(_ model: String, _ output: String, _ more: [String]) throws -> Command.Result {
      let call = ["attack", model, Command.bag, "--target", "Coat", "--eps", "0.2", "--steps", "20"]
      return try Command.run(call + ["-o", folder.path(output)] + more)
    }
    for (model, output, more) in [(Command.model, "model", form), (folder.path("step.adjoint"), "artifact", [])] {
      let result = try attack(model, output, more)
      #expect(result.status == 0, "\(result.error)")
      let text = try String(contentsOfFile: folder.path("\(output)/results.jsonl"), encoding: .utf8)
      let record = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      let settings = try #require(record["settings"] as? [String: Any])
      #expect(settings["options"] as? [String: String] == ["evasion": "paper"])
      // Two for the benign map, the search and its result, twenty steps, two checks.
      #expect((record["sweeps"] as? [String: Int])?["forward"] == 2 + 400 + 1 + 20 + 2)
    }
    #expect(folder.bytes("model/fashion-00018-bag.png") == folder.bytes("artifact/fashion-00018-bag.png"))
    let other = try attack(folder.path("step.adjoint"), "other", ["--evade", "bits2"])
    #expect(other.status == 2 && other.error.contains("--evade is bits2, but "), "\(other.error)")
    let forward = try Command.run(["compile", Command.model, "--evade", "nlm", "-o", folder.path("x")])
    #expect(forward.status == 2 && forward.error.contains("goes with --of step"))
  }
}
