import Arrays
import Foundation
import Images
import TensorTypes
import Testing

/// MASK and the attack on it from the command line.
@Suite struct MaskTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func arrays(_ path: String) throws -> [String: HostTensor] {
    Dictionary(uniqueKeysWithValues: try NPZ.read(path: folder.path(path)).map { ($0.name, $0.tensor) })
  }

  private func explain(_ output: String, _ more: [String] = []) throws -> [String: HostTensor] {
    let result = try Command.run(
      ["explain", Command.model, Command.bag, "--interpreter", "mask", "-o", folder.path(output)] + more)
    #expect(result.status == 0, "\(result.error)")
    #expect(try Image(contentsOf: folder.path("\(output)/fashion-00018-bag.mask.png")).width == 28)
    return try arrays("\(output)/fashion-00018-bag.npz")
  }

  @Test func `the seed decides the jitter of MASK, and with it the map`() throws {
    let first = try explain("first")
    let again = try explain("again")
    let other = try explain("other", ["--seed", "1"])
    let map = try #require(first["map"])
    #expect(map.shape == [7, 7] && map.floats.allSatisfy { (0...1).contains($0) } && Set(map.floats).count > 9)
    let jitter = try #require(first["jitter"])
    #expect(jitter.shape == [300, 2] && Set(jitter.integers) == [0, 1])
    #expect(first["map"] == again["map"] && first["jitter"] == again["jitter"])
    #expect(first["map"] != other["map"] && first["jitter"] != other["jitter"])
    let early = try explain("early", ["--mask-version", "v1"])
    let unmoved = try #require(early["jitter"]).integers
    #expect(early["map"] != first["map"] && Set(unmoved) == [0])
  }

  private func attack(_ output: String, _ more: [String]) throws -> Command.Result {
    try Command.run(
      ["attack", Command.model, Command.bag, "--interpreter", "mask", "--eps", "0.2", "--target", "Coat", "-o"]
        + [folder.path(output)] + more)
  }

  private func record(_ output: String) throws -> [String: Any] {
    let lines = try String(contentsOfFile: folder.path("\(output)/results.jsonl"), encoding: .utf8).split(separator: "\n")
    let line = try #require(lines.first)
    return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  @Test func `an attack on MASK records its sweeps and what of it rests on jitter`() throws {
    let call = ["--attack", "adv2", "--steps", "51", "--warm", "20", "--lookahead-steps", "3", "--halvings", "0"]
    let result = try attack("out", call)
    #expect(result.status == 0, "\(result.error)")
    let record = try record("out")
    let sweeps = try #require(record["sweeps"] as? [String: Int])
    // The benign map, 20 steps of PGD, three checks, and 51 iterations of a step, 1 and 3 of the mask, and a move.
    #expect(
      sweeps == [
        "forward": 302 + 20 + 3 * 301 + 51 * (1 + 4 + 1), "backward": 300 + 20 + 3 * 300 + 51 * 5, "secondOrder": 51 * 3,
      ])
    #expect((record["settings"] as? [String: Any])?["options"] as? [String: String] == ["halvings": "0"])
    let jitter = try #require(record["jitter"] as? [String: Any])
    #expect((jitter["unseen"] as? [[String: Any]])?.count == 3)
    #expect(jitter["floor"] is [String: Any] && jitter["still"] is [String: Any] && jitter["seed"] as? Int == 0)
    #expect(try arrays("out/fashion-00018-bag.npz")["jitter"]?.shape == [300, 2])
    let again = try attack("out", call)
    #expect(again.output.contains("(finished before)"))
  }

  @Test func `an artifact attacks MASK as the model does, and PGD is measured by MASK`() throws {
    let options = ["--interpreter", "mask", "--lookahead", "full"]
    let compiled = try Command.run(
      ["compile", Command.model, "--of", "step", "-o", folder.path("mask.adjoint")] + options)
    #expect(compiled.status == 0, "\(compiled.error)")
    let call = ["--steps", "3", "--warm", "4"]
    #expect(try attack("model", call + ["--lookahead", "full"]).status == 0)
    let result = try Command.run(
      [
        "attack", folder.path("mask.adjoint"), Command.bag, "--eps", "0.2", "--target", "Coat", "-o",
        folder.path("artifact"),
      ]
        + call)
    #expect(result.status == 0, "\(result.error)")
    let name = "fashion-00018-bag.npz"
    #expect(try arrays("model/\(name)") == arrays("artifact/\(name)"))
    let plain = try attack("pgd", ["--attack", "pgd", "--steps", "60"])
    #expect(plain.status == 0, "\(plain.error)")
    let sweeps = try #require(record("pgd")["sweeps"] as? [String: Int])
    #expect(sweeps == ["forward": 302 + 60 + 301, "backward": 300 + 60 + 300, "secondOrder": 0])
  }

  @Test func `MASK is attacked with others at once, and each has its figures`() throws {
    let call = ["--interpreter", "grad,mask,cam", "--attack", "adv2", "--steps", "18", "--warm", "5", "--compare"]
    let result = try attack("joint", call)
    #expect(result.status == 0, "\(result.error)")
    let record = try record("joint")
    let png = try #require(record["png"] as? [String: Any])
    let maps = try #require(png["maps"] as? [[String: Any]])
    #expect(maps.map { $0["interpreter"] as? String } == ["grad", "mask", "cam"])
    // Maps of 28 x 28 and 7 x 7 places at the larger size.
    #expect(try arrays("joint/fashion-00018-bag.npz")["mapAdversarial"]?.shape == [84, 28])
    let jitter = try #require(record["jitter"] as? [String: Any])
    #expect((jitter["unseen"] as? [[String: Any]])?.count == 3)
    // All maps of the photo; 5 steps of PGD; 12 of all maps but MASK's, of which a check follows every tenth and the last;
    // 6 iterations of such a step, 5 of the mask and a search; and a last check of all maps.
    let sweeps = try #require(record["sweeps"] as? [String: Int])
    #expect(sweeps["secondOrder"] == 12 + 6 * (1 + 4))
    #expect(sweeps["backward"] == 301 + 5 + 12 * 2 + 2 + 6 * (2 + 5) + 301)
    let refused = try attack("refused", ["--interpreter", "mask,cam", "--weights", "cam=1,mask=1"])
    #expect(refused.status == 2 && refused.error.contains("one weight for each of cam is accepted"))
  }

  @Test func `the numbers of the attack on MASK are printed`() throws {
    let result = try attack("none", ["--mode", "paper", "--steps", "9", "--print-config"])
    #expect(result.status == 0, "\(result.error)")
    for line in [
      "steps               = 9  # option", "# afterLookahead      = mask taken back  # paper",
      "# mask-version        = v2  # default", "halvings            = 12  # paper",
    ] {
      #expect(result.output.contains(line + "\n"), "\(line) in \(result.output)")
    }
  }

  @Test(arguments: [
    (["attack", "--interpreter", "cam", "--lookahead", "full"], "--lookahead goes with --interpreter mask, not with cam"),
    (["attack", "--interpreter", "mask", "--lookahead", "far"], "detached and full are known"),
    (["explain", "--interpreter", "mask", "--mask-version", "v3"], "v1 and v2 are known"),
    (["attack", "--interpreter", "mask", "--lookahead-steps", "17"], "0 to 16 are accepted"),
    (["attack", "--interpreter", "mask", "--label-smoothing", "none"], "mask's lowers a margin"),
    (["attack", "--interpreter", "cam", "--halvings", "3"], "--halvings goes with --attack adv2 --interpreter mask"),
    (["attack", "--attack", "pgd", "--interpreter", "mask", "--reset-interval", "3"], "--reset-interval goes with"),
  ])
  func `what MASK does not have is refused by name`(call: [String], words: String) throws {
    let target = call[0] == "attack" ? ["--target", "Coat"] : []
    let result = try Command.run(
      [call[0], Command.model, Command.bag, "-o", folder.path("none")] + call.dropFirst() + target)
    #expect(result.status == 2 && result.error.contains(words), "\(result.error)")
  }

  @Test func `bench shows what an iteration against MASK costs`() throws {
    let result = try Command.run("bench", Command.model, "--of", "step", "--interpreter", "mask", "--json")
    #expect(result.status == 0, "\(result.error)")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let iteration = try #require((report["iterations"] as? [[String: Any]])?.first)
    let forward = try #require(iteration["forwardSweeps"] as? Double)
    let backward = try #require(iteration["backwardSweeps"] as? Double)
    let secondOrder = try #require(iteration["secondOrderSweeps"] as? Double)
    #expect(forward + backward + 2 * secondOrder <= 60 && secondOrder == 4)
    #expect((iteration["milliseconds"] as? Double ?? 0) > 0)
  }
}
