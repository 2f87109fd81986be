import Testing

@testable import Programs

@Suite struct TargetCPUTests {
  @Test func withoutANameTheBestProcessorIsTaken() throws {
    #expect(try TargetCPU.resolve() == TargetCPU.best)
    #expect(TargetCPU.best.name != "native")
  }

  @Test func everyProcessorUpToTheBestResolvesByName() throws {
    for cpu in TargetCPU.all {
      #expect(try TargetCPU.resolve(named: cpu.name) == cpu)
      if cpu == TargetCPU.best { break }
    }
  }

  @Test func anUnknownNameIsRefusedWithTheAcceptedOnes() {
    let error = TargetCPUError.unknown(name: "native", accepted: TargetCPU.all.map(\.name))
    #expect(throws: error) { try TargetCPU.resolve(named: "native") }
    for cpu in TargetCPU.all { #expect("\(error)".contains(cpu.name)) }
  }

  @Test func wideVectorsAreAskedForByFlag() {
    for cpu in TargetCPU.all {
      #expect(cpu.flags.contains("-march=\(cpu.name)"))
      #expect(cpu.flags.contains("-mprefer-vector-width=512") == (cpu.floatLaneCount == 16))
    }
  }

  @Test func aProcessorDemandsAllThatThoseBeforeItDemandAndHasItHere() {
    for (cpu, next) in zip(TargetCPU.all, TargetCPU.all.dropFirst()) {
      #expect(Set(cpu.features).isSubset(of: next.features), "\(cpu.name)")
    }
    #expect(throws: Never.self) { try TargetCPU.resolve(named: TargetCPU.best.name, features: TargetCPU.best.features) }
  }

  @Test func featuresThatThisMachineLacksAreNamed() {
    let name = TargetCPU.best.name
    let error = TargetCPUError.missingFeatures(name: name, features: ["avx1024", "warp"])
    #expect(throws: error) { try TargetCPU.resolve(named: name, features: ["avx1024"] + TargetCPU.best.features + ["warp"]) }
    #expect("\(error)".contains("avx1024, warp") && "\(error)".contains(name))
  }
}
