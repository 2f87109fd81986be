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
    #expect(settings["evasionWeight"] as? Double == 2 && settings["warm"] as? Int == 0)
    // Two for the benign map, twenty steps through four networks, two checks.
    #expect((record["sweeps"] as? [String: Int])?["forward"] == 2 + 20 * 4 + 2)

    for (more, words) in [
      (["--evade", "blur"], "blur"), (["--evasion-weight", "2"], "goes with --evade"),
      (["--attack", "pgd", "--evade", "nlm"], "goes with --attack adv2"),
      (["--interpreter", "mask", "--evade", "nlm"], "mask is none"),
    ] {
      let refused = try Command.run(call + more)
      #expect(refused.status == 2 && refused.error.contains(words), "\(refused.error)")
    }
  }
}
