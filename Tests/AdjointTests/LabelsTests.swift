@testable import Adjoint
import Testing

@Suite struct LabelsTests {
  @Test func `classes are found by number and by name in any case`() throws {
    let labels = try Labels(classCount: 3, names: ["tabby", "Tiger cat", "crane"], file: nil)
    #expect(try labels.index(of: "2") == 2)
    #expect(try labels.index(of: "TIGER CAT") == 1)
    #expect(labels.name(0) == "tabby")
  }

  @Test func `what names no class, or several, is refused with what would do`() throws {
    let labels = try Labels(classCount: 3, names: ["crane", "Tiger cat", "crane"], file: nil)
    for (words, part) in [("3", "0 to 2"), ("-1", "0 to 2"), ("tiger", "Tiger cat"), ("crane", "0, 2")] {
      let error = #expect(throws: UsageError.self) { _ = try labels.index(of: words) }
      #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }
    let nameless = try Labels(classCount: 3, names: nil, file: nil)
    #expect(throws: UsageError.self) { _ = try nameless.index(of: "crane") }
    #expect(throws: UsageError.self) { _ = try Labels(classCount: 3, names: ["one"], file: "names.txt") }
  }
}
