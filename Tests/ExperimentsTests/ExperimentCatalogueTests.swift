import Adjoint
import Testing

@testable import Experiments

@Suite struct ExperimentCatalogueTests {
  @Test func `every experiment has its own id, a title and what the paper says`() {
    let ids = ExperimentCatalogue.experiments.map(\.id)
    #expect(Set(ids).count == ids.count)
    for experiment in ExperimentCatalogue.experiments {
      #expect(!experiment.title.isEmpty && experiment.reference.contains(#/(table|figure|section|appendix|proposition) ?/#))
    }
  }

  @Test(arguments: ExperimentCatalogue.aliases.sorted { $0.key < $1.key })
  func `every other name is of an experiment and of no other`(alias: String, id: String) throws {
    #expect(try ExperimentCatalogue.experiment(alias).id == id)
    #expect(!ExperimentCatalogue.experiments.map(\.id).contains(alias))
  }

  @Test(arguments: [
    (["T3", "t10"], ["t3", "t10"]), (["F1/F4"], ["f4"]), (["f9/F10", "F9"], ["f9", "f10"]),
    (["Proposition1"], ["proposition1"]),
  ])
  func `names are those of the paper too, and each experiment is meant once`(names: [String], ids: [String]) throws {
    #expect(try ExperimentCatalogue.experiments(named: names).map(\.id) == ids)
  }

  @Test(arguments: ["t99", "f4/", "", "/"])
  func `a name that is none is refused`(name: String) {
    #expect(throws: UsageError.self) { try ExperimentCatalogue.experiments(named: [name]) }
  }

  @Test func `runs of one folder are one run`() {
    var runs: [String: ExperimentRun] = [:]
    for run in ExperimentCatalogue.experiments.flatMap(\.runs) {
      let key = "\(run.network) \(run.name)"
      #expect(runs[key] == nil || runs[key] == run, "\(key)")
      runs[key] = run
    }
  }

  @Test func `every run is of an interpreter that exists, or says why it cannot be`() {
    for run in ExperimentCatalogue.experiments.flatMap(\.runs) {
      let refusal = run.refusal(RunNumbers())
      let exists = InterpreterChoice.names.contains(run.interpreter)
      #expect(exists ? refusal?.contains("no interpreter") != true : refusal == "needs weights", "\(run.name)")
    }
  }

  @Test func `only experiments of the second network alone need it`() {
    for experiment in ExperimentCatalogue.experiments where !experiment.runs.isEmpty {
      let networks = Set(experiment.runs.map(\.network))
      #expect(experiment.isOfSecondNetwork == (networks == [.second]), "\(experiment.id)")
    }
  }
}
