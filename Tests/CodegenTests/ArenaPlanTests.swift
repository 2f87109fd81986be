import TestSupport
import Testing

@testable import Codegen

/// Where buffers lie in the arena.
@Suite struct ArenaPlanTests {
  @Test func `buffers that live at the same time do not overlap, and begin with a cache line`() {
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<50 {
      let requests = (0..<30).map { _ in
        let start = Int.random(in: 0..<40, using: &generator)
        return ArenaPlan.Request(
          byteCount: Int.random(in: 1..<200_000, using: &generator),
          life: start...start + Int.random(in: 0..<12, using: &generator))
      }
      let plan = ArenaPlan(requests)
      for (a, first) in requests.enumerated() {
        #expect(plan.offsets[a] % 64 == 0 && plan.offsets[a] + first.byteCount <= plan.byteCount)
        for (b, second) in requests.enumerated() where a < b && first.life.overlaps(second.life) {
          let isApart =
            plan.offsets[a] + first.byteCount <= plan.offsets[b] || plan.offsets[b] + second.byteCount <= plan.offsets[a]
          #expect(isApart, "\(first) at \(plan.offsets[a]), \(second) at \(plan.offsets[b])")
        }
      }
    }
  }

  @Test func `images of whole pages begin at different places of a page`() {
    let plan = ArenaPlan((0..<7).map { _ in ArenaPlan.Request(byteCount: 784 * 4096, life: 0...1) })
    #expect(Set(plan.offsets.map { $0 % 4096 }).count == 7)
  }

  @Test func `a buffer lies where one lay that is read no more`() {
    let plan = ArenaPlan([0, 2, 4].map { ArenaPlan.Request(byteCount: 784 * 4096, life: $0...$0 + 1) })
    #expect(plan.offsets == [0, 0, 0])
  }
}
