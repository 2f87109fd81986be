import Foundation
import Testing

@Suite struct BenchTests {
  @Test func `a small limit of the stack does not keep kernels from running`() throws {
    // The C compiler needs more; its results are in the cache the second time.
    for limit in ["unlimited", "128"] {
      let result = try Command.run(
        "bench", Command.model, "--batch", "1", "--of", "gradient", "--threads", "2",
        through: ["/bin/sh", "-c", "ulimit -S -s \(limit); exec \"$@\"", "limited"])
      #expect(result.status == 0, "\(limit): \(result.error)")
    }
  }

  @Test(arguments: [("grad", 1, 2, 1), ("cam", 1, 1, 0)])
  func `bench says what an iteration costs in sweeps and in forward passes`(
    interpreter: String, forward: Double, backward: Double, secondOrder: Double
  ) throws {
    let result = try Command.run("bench", Command.model, "--of", "forward", "step", "--interpreter", interpreter, "--json")
    #expect(result.status == 0, "\(result.error)")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let iteration = try #require((report["iterations"] as? [[String: Any]])?.first)
    let sweeps = ["forwardSweeps", "backwardSweeps", "secondOrderSweeps"].map { iteration[$0] as? Double }
    #expect(sweeps == [forward, backward, secondOrder])
    #expect((iteration["forwardTimes"] as? Double ?? 0) > 0)
  }

  @Test func `bench reports every graph at every batch size`() throws {
    let result = try Command.run(
      "bench", Command.model, "--batch", "1", "2", "--of", "forward", "gradient", "--threads", "1", "--json")
    #expect(result.status == 0, "\(result.error)")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let rows = try #require(report["rows"] as? [[String: Any]])
    #expect(rows.compactMap { $0["of"] as? String } == ["forward", "forward", "gradient", "gradient"])
    #expect(rows.compactMap { $0["batch"] as? Int } == [1, 2, 1, 2])
    for row in rows {
      for key in [
        "medianMilliseconds", "bestMilliseconds", "gigaflopsPerSecond", "shareOfPeak", "arenaBytes", "peakResidentBytes",
      ] {
        #expect((row[key] as? Double ?? 0) > 0, "\(key)")
      }
    }
  }
}
