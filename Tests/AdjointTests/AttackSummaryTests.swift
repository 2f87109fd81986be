import Adjoint
import Testing

@Suite struct AttackSummaryTests {
  @Test(arguments: [
    (0.0385, 3, "0.039"), (0.0004, 3, "0.000"), (-0.0004, 3, "0.000"), (-1.25, 1, "-1.3"), (12, 0, "12"), (0.999, 2, "1.00"),
    (123.456, 2, "123.46"),
  ])
  func `numbers are printed with a fixed count of decimals`(number: Double, decimals: Int, words: String) {
    #expect(fixed(number, decimals) == words)
  }
}
