import Foundation
import Testing

@Suite struct ProfileTests {
  @Test func `profile gives every step in its order, and the slowest ones as a table`() throws {
    let json = try Command.run("profile", Command.model, "--of", "gradient", "--threads", "1", "--json")
    #expect(json.status == 0, "\(json.error)")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    let rows = try #require(report["rows"] as? [[String: Any]])
    #expect(rows.compactMap { $0["step"] as? Int } == Array(rows.indices))
    #expect(rows.contains { ($0["summary"] as? String)?.contains("convolution") == true && $0["node"] != nil })

    let table = try Command.run("profile", Command.model, "--of", "gradient", "--limit", "3")
    #expect(table.status == 0, "\(table.error)")
    #expect(table.output.split(separator: "\n").count == 6)
  }
}
