import Testing

@testable import Attacks

@Suite struct IterateChoiceTests {
  private func chosen(_ standings: [Standing]) -> Int? {
    var choice = IterateChoice(count: 1)
    for (step, standing) in standings.enumerated() {
      choice.consider(Iterate(step: step, pixels: [], levels: []), standing, image: 0)
    }
    return choice.best[0]?.step
  }

  @Test func `what passes counts, then what no squeezer tells, then the map`() {
    let close = Standing(passes: true, mapDistance: 0.01, probability: 0.9, isDetected: true)
    let far = Standing(passes: true, mapDistance: 0.3, probability: 0.9)
    let farther = Standing(passes: true, mapDistance: 0.4, probability: 1)
    let none = Standing(passes: false, mapDistance: 0, probability: 0.5)
    #expect(chosen([none]) == nil)
    #expect(chosen([close, none]) == 0)
    #expect(chosen([close, far]) == 1)
    #expect(chosen([far, close]) == 0)
    #expect(chosen([farther, close, far]) == 2)
    // Of equals the first.
    #expect(chosen([far, far]) == 0)
    #expect(far.isBetter(than: close, keepingMap: false) && close.isBetter(than: none, keepingMap: false))
  }
}
