import Attacks
import SampleNetworks
import TensorTypes
import Testing

@Suite struct DetectionThresholdTests {
  @Test func `about one benign image in twenty exceeds the threshold, and it lies within its interval`() {
    var random = Random(seed: 9)
    let scores = (0..<400).map { _ in Double.random(in: 0...2, using: &random) }
    let threshold = DetectionThreshold(name: "x", scores: scores)
    // Position 380 of 0 ... 399: nineteen are above.
    #expect(scores.count { $0 > threshold.threshold } == 19)
    #expect(threshold.lower < threshold.threshold && threshold.threshold < threshold.upper)
    #expect((8...40).contains(threshold.heldOutFalsePositives) && threshold.imageCount == 400)
    // On another draw of the same kind, with room for chance.
    let others = (0..<4000).map { _ in Double.random(in: 0...2, using: &random) }
    #expect((80...360).contains(others.count { $0 > threshold.threshold }))
  }

  @Test func `squeezers have names, and others have none`() {
    for name in ["bits1", "bits7", "median2", "median3", "nlm"] { #expect(Squeezer(name: name)?.name == name) }
    for name in ["bits0", "bits8", "bits03", "median4", "NLM", ""] { #expect(Squeezer(name: name) == nil, "\(name)") }
  }

  @Test(arguments: ["bits1", "bits3", "median2", "median3", "nlm"], [1, 3])
  func `squeezing an image does not depend on its batch`(name: String, channels: Int) throws {
    let squeezer = try #require(Squeezer(name: name))
    var random = Random(seed: 4)
    let images = (0..<2).map { _ in (0..<channels * 120).map { _ in UInt8.random(in: 0...255, using: &random) } }
    let together = squeezer.squeezed(images[0] + images[1], shape: [2, channels, 10, 12])
    let apart = images.flatMap { squeezer.squeezed($0, shape: [1, channels, 10, 12]) }
    #expect(together == apart && together.allSatisfy { (0...1).contains($0) })
  }

  @Test func `the score is the distance of two predictions`() {
    #expect(squeezingScore([0, 1], [1, 0]) == 2)
    #expect(squeezingScore([0.25, 0.75], [0.25, 0.75]) == 0)
  }
}
