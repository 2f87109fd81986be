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
}
