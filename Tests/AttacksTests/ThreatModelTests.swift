import Attacks
import Testing

@Suite struct ThreatModelTests {
  @Test func `levels are the most that stay within eps exactly`() {
    #expect(ThreatModel(eps: 0.031).levels == 7)
    #expect(ThreatModel(eps: 8.0 / 255).levels == 8)
    #expect(ThreatModel(eps: (8.0 / 255).nextDown).levels == 7)
    #expect(ThreatModel(eps: 0).levels == 0)
    for levels in 1...255 { #expect(ThreatModel(eps: Double(levels) / 255).levels == levels) }
  }

  @Test func `the lattice keeps levels within the bound and the range`() {
    let threat = ThreatModel(eps: 0.031)
    #expect(threat.quantised([0.5, 0.9, 0, 0.031, 1], origin: [128, 100, 3, 0, 250]) == [128, 107, 0, 7, 255])
  }

  @Test func `noise stays within eps, fills it, and is decided by seed and image`() {
    let threat = ThreatModel(eps: 0.031)
    let grey = [UInt8](repeating: 128, count: 3000)
    let noisy = threat.withNoise(grey, seed: 1)
    let changes = zip(noisy, grey).map { Int($0) - Int($1) }
    #expect(Set(changes) == Set(-7...7))
    #expect(abs(changes.reduce(0, +)) < 3000 / 2)
    #expect(threat.withNoise(grey, seed: 1) == noisy)
    #expect(threat.withNoise(grey, seed: 2) != noisy)
    var other = grey
    other[2999] = 129
    #expect(threat.withNoise(other, seed: 1).prefix(2999) != noisy.prefix(2999))
  }
}
