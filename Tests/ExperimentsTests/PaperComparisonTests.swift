import Adjoint
import Attacks
import Foundation
import Testing

@testable import Experiments

@Suite struct PaperComparisonTests {
  private static let model =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/graphs/models/fashion-resnet.onnx"

  /// What an experiment shows of which nothing was run.
  private func outcome(_ id: String, of interpreters: [PaperInterpreter] = PaperInterpreter.withoutWeights) throws
    -> ExperimentOutcome
  {
    var options = ExperimentJob.Options(model: try ModelFile(Self.model), data: "none")
    options.interpreters = interpreters
    options.secondModel = options.model
    let context = ExperimentContext(
      options: options, output: try OutputDirectory(NSTemporaryDirectory()), states: [:], detector: nil)
    return try ExperimentCatalogue.experiment(id).outcome(context)
  }

  @Test(arguments: ["t3", "t5", "t6", "t7", "t8", "t10", "t13"])
  func `the paper's own numbers keep the bounds that others are held to`(id: String) throws {
    let numbers = try outcome(id).comparisons.filter { Double($0.paper) != nil }
    #expect(!numbers.isEmpty)
    for comparison in numbers {
      let words = comparison.expected.split(separator: " ")
      let (paper, bound) = (try #require(Double(comparison.paper)), try #require(Double(words[2])))
      #expect(words[1] == "least" ? paper >= bound : paper <= bound, "\(comparison.text)")
    }
  }

  @Test(arguments: [
    "t3", "t5", "t6", "t7", "t8", "t10", "t13", "f4", "f6", "f9", "f10", "f11", "f12", "f13", "f22", "t9", "f14", "ablation",
  ])
  func `what was not run says so in every table and comparison`(id: String) throws {
    let outcome = try outcome(id)
    #expect(!outcome.comparisons.isEmpty && outcome.pictures.isEmpty)
    for comparison in outcome.comparisons {
      #expect(comparison.holds == nil && comparison.here.contains("not run"), "\(comparison.text)")
    }
    for table in outcome.tables {
      #expect(table.rows.allSatisfy { $0.count == table.columns.count })
      #expect(Set(table.columns).count == table.columns.count, "\(table.columns)")
      #expect(table.rows.allSatisfy { row in row.contains { $0.text.contains("not run") } }, "\(table.text)")
    }
  }

  @Test(arguments: ["f10", "f20"])
  func `whether MASK is the most resilient to flows is asked where it is among the interpreters`(id: String) throws {
    func questions(_ interpreters: [PaperInterpreter]) throws -> Int {
      try outcome(id, of: interpreters).comparisons.count { $0.paper == "MASK is the most resilient" }
    }
    #expect(try questions([.grad, .cam, .mask]) == 1 && questions([.grad, .cam]) == 0)
  }

  @Test func `a number beyond its bound does not hold, and at it does`() {
    func holds(_ here: Double?, _ bound: PaperComparison.Bound) -> Bool? {
      PaperComparison("CAM", "ratio", paper: 0.2, here: here, missing: "not run", bound).holds
    }
    #expect(holds(0.5, .atMost(0.5)) == true && holds(0.51, .atMost(0.5)) == false)
    #expect(holds(0.95, .atLeast(0.95)) == true && holds(0.94, .atLeast(0.95)) == false)
    #expect(holds(nil, .atMost(0.5)) == nil)
  }

  @Test func `numbers of a call replace those of every run, but not a phase that it does not have`() throws {
    for mode in AttackMode.allCases {
      var unchanged = RunNumbers()
      unchanged.mode = mode
      var numbers = unchanged
      numbers.steps = 7
      numbers.warm = 3
      numbers.eps = 0.25
      numbers.seed = 9
      for run in ExperimentCatalogue.experiments.flatMap(\.runs) {
        let settings = run.settings(numbers)
        #expect(settings.steps == 7 && settings.seed == 9 && settings.threat.eps == 0.25)
        #expect(settings.warm == (run.settings(unchanged).warm == 0 ? 0 : 3))
        #expect(settings.method == run.method && settings.schedule.mode == mode)
      }
    }
  }

  @Test(arguments: AttackMode.allCases)
  func `a run without changes has the numbers of its mode`(mode: AttackMode) {
    var numbers = RunNumbers()
    numbers.mode = mode
    for run in ExperimentCatalogue.experiments.flatMap(\.runs) where run.changes.isEmpty && run.evaded.isEmpty {
      let schedule = InterpreterChoice(run.interpreter, mode: mode).schedule(of: run.method)
      #expect(run.settings(numbers) == AttackSettings(method: run.method, schedule: schedule), "\(run.name)")
      #expect(run.choice(numbers).mode == mode)
    }
  }

  @Test func `every change of an attack changes its interpreter or its settings`() {
    let numbers = RunNumbers()
    for run in ExperimentCatalogue.experiments.flatMap(\.runs) where !run.changes.isEmpty {
      var plain = run
      plain.changes = []
      #expect(
        run.settings(numbers) != plain.settings(numbers) || run.choice(numbers) != plain.choice(numbers), "\(run.name)")
    }
  }
}
