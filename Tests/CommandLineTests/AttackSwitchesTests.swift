import Foundation
import Testing

/// What an attack does beside going for label and map can be taken away, each part for itself.
@Suite struct AttackSwitchesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func attacked(_ call: [String]) throws -> Data {
    let output = call.joined().filter { $0 != "-" && $0 != ":" }
    let result = try Command.run(
      ["attack", Command.model, Command.bag, "--eps", "0.2", "--steps", "12", "--warm", "4", "--target", "Coat", "-o"]
        + [folder.path("out" + output)] + call)
    #expect(result.status == 0, "\(result.error)")
    return try #require(folder.bytes("out\(output)/fashion-00018-bag.png"))
  }

  @Test(arguments: [
    ["--interpreter", "grad"], ["--interpreter", "smoothgrad", "--samples", "2"], ["--interpreter", "cam,grad"],
  ])
  func `the attack differs with the derivative that its map is differentiated with, and h is the default`(call: [String])
    throws
  {
    let usual = try attacked(call)
    #expect(try attacked(call + ["--surrogate", "smoothed"]) == usual)
    let others = try ["plain", "sigmoid", "softplus:10"].map { try attacked(call + ["--surrogate", $0]) }
    #expect(Set(others + [usual]).count == 4)
  }

  @Test func `GRAD smooths labels where nothing else is said, and CAM does not`() throws {
    let grad = try ["sampled", "none"].map { try attacked(["--interpreter", "grad", "--label-smoothing", $0]) }
    let cam = try ["sampled", "none"].map { try attacked(["--interpreter", "cam", "--label-smoothing", $0]) }
    #expect(grad[0] != grad[1] && cam[0] != cam[1])
    #expect(try attacked(["--interpreter", "grad"]) == grad[0])
    #expect(try attacked(["--interpreter", "cam"]) == cam[1])
  }

  @Test(arguments: [
    (["--interpreter", "cam", "--surrogate", "plain"], "not with cam"),
    (["--interpreter", "grad", "--surrogate", "guided"], "plain, smoothed, sigmoid and softplus have"),
    (["--interpreter", "grad", "--surrogate", "h"], "there is no derivative 'h'"),
    (["--interpreter", "grad-cam", "--surrogate", "plain"], "--layer-weights differentiated"),
    (["--attack", "pgd", "--label-smoothing", "none"], "--label-smoothing goes with --attack adv2"),
    (["--label-smoothing", "fixed"], "sampled"),
  ])
  func `a part that an attack does not have is refused by name`(call: [String], words: String) throws {
    let result = try Command.run(
      ["attack", Command.model, Command.bag, "-o", folder.path("none"), "--target", "Coat"] + call)
    #expect(result.status == 2 && result.error.contains(words), "\(result)")
  }
}
