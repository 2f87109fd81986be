import Foundation
import Testing

@testable import ONNX

@Suite struct ReadmeTests {
  @Test func theReadmeListsTheOperatorsThatAreImported() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    let rest = try #require(readme.range(of: "The operators:\n\n")).upperBound
    let end = try #require(readme.range(of: ".\n", range: rest..<readme.endIndex)).lowerBound
    let paragraph = readme[rest..<end]
    let listed = paragraph.split { " ,\n".contains($0) }.map(String.init)
    #expect(listed == ImportRule.all.keys.sorted())
  }
}
