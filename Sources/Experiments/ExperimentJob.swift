import Adjoint
import Attacks
import Files
import Interpreters

/// Runs experiments: the attacks they rest on, each once, and then what is read from them.
///
/// Deterministic: interrupted and started again it writes the same bytes, but for the times of attacks.
public struct ExperimentJob {
  public struct Options: Sendable {
    /// Where the paper has ResNet-50; some experiments need none.
    public var model: ModelFile?
    /// Where it has DenseNet-169.
    public var secondModel: ModelFile?
    /// A folder of labelled photos, or its table, as `EvaluateJob` takes it; empty for none.
    public var data: String
    /// The most photos to attack.
    public var limit: Int?
    public var split: Split?
    /// The paper's interpreters whose columns are wanted.
    public var interpreters = PaperInterpreter.withoutWeights
    public var numbers = RunNumbers()
    /// Photos that run together; otherwise what each interpreter usually has.
    public var batch: Int?
    public var execution = ExecutionOptions()

    public init(model: ModelFile?, data: String) {
      self.model = model
      self.data = data
    }
  }

  public enum Event: Sendable {
    case run(ExperimentRun, number: Int, of: Int)
    /// A run that cannot be, and why.
    case leftOut(ExperimentRun, String)
    /// A run that an error ended, and what that says; the others go on.
    case failed(ExperimentRun, String)
    /// Squeezers are calibrated on photos.
    case calibrating(done: Int, of: Int)
    case evaluation(EvaluateJob.Event)
    case finished(ExperimentReport)
  }

  private let experiments: [any Experiment]
  private let options: Options
  private let output: OutputDirectory

  /// - Throws: `UsageError` for RTS without weights and weights without RTS, an experiment whose network is missing, and two
  ///   networks of one name.
  public init(_ experiments: [any Experiment], _ options: Options, output: OutputDirectory) throws(UsageError) {
    self.experiments = experiments
    self.options = options
    self.output = output
    let hasRTS = options.interpreters.contains(.rts)
    if hasRTS, options.numbers.rtsWeights == nil {
      throw UsageError("RTS needs weights; name their file with --rts-weights, or leave rts out of --interpreters")
    }
    if !hasRTS, options.numbers.rtsWeights != nil || options.numbers.rtsInput != nil {
      throw UsageError("--rts-weights and --rts-input go with rts among --interpreters")
    }
    if options.secondModel == nil, let experiment = experiments.first(where: \.isOfSecondNetwork) {
      throw UsageError("\(experiment.id) is about a second network; name it with --second-model")
    }
    if options.model == nil || options.data.isEmpty, let experiment = experiments.first(where: \.needsNetwork) {
      throw UsageError("\(experiment.id) is about a network and photos; name them with --model and --data")
    }
    if let name = options.model?.name, options.secondModel?.name == name {
      throw UsageError("both networks are called \(name), and so would be their results; rename one file")
    }
  }

  /// Attacks what has not been attacked yet, and writes of each experiment tables, comparisons and pictures. What a failed
  /// run would have shown says so, and the report lists it; results of finished photos stay.
  /// - Throws: what an experiment refuses, a network or photos that no run could use, and files that cannot be written.
  public func run(events: (Event) throws -> Void = { _ in }) throws -> [ExperimentReport] {
    for experiment in experiments { try experiment.check(options) }
    var states: [String: RunState] = [:]
    var open: [ExperimentRun] = []
    for run in experiments.flatMap(\.runs) {
      let key = options.key(of: run)
      guard states[key] == nil, !open.contains(where: { options.key(of: $0) == key }) else { continue }
      if let reason = options.reasonToLeaveOut(run) { states[key] = .missing(reason) } else { open.append(run) }
    }
    try checkNetworks(of: open)
    var detector: Result<AttackDetector, any Error>?
    // The others say which photos are attacked.
    for (index, run) in (open.filter { !$0.knowsDetector } + open.filter(\.knowsDetector)).enumerated() {
      if run.knowsDetector, detector == nil { detector = Result { try calibrated(states, events) } }
      try events(.run(run, number: index + 1, of: open.count))
      do {
        let known = try run.knowsDetector ? detector?.get() : nil
        let state = try state(run, knowing: known) { try events(.evaluation($0)) }
        if let reason = state.missing { try events(.leftOut(run, reason)) }
        states[options.key(of: run)] = state
      } catch {
        try events(.failed(run, "\(error)"))
        states[options.key(of: run)] = .failed("\(error)")
      }
    }
    if detector == nil, experiments.contains(where: { $0.runs.contains(where: \.knowsDetector) }) {
      detector = Result { try calibrated(states, events) }
    }
    return try experiments.map { experiment in
      let folder = try OutputDirectory(output.file(experiment.id))
      let report = ExperimentReport(
        experiment, ExperimentContext(options: options, output: folder, states: states, detector: detector))
      try report.write(to: folder)
      try events(.finished(report))
      return report
    }
  }

  /// What is wrong with a network or with its photos would be wrong with every run.
  private func checkNetworks(of runs: [ExperimentRun]) throws {
    for network in ExperimentRun.Network.allCases where runs.contains(where: { $0.network == network }) {
      _ = try EvaluationData(options.data, labels: try options.classifier(of: network).interface.labels)
    }
  }

  /// Squeezers calibrated on the photos that the runs beside those that evade them left.
  private func calibrated(_ states: [String: RunState], _ events: (Event) throws -> Void) throws -> AttackDetector {
    let attacked = AdaptedAttacks.runs.compactMap { states[options.key(of: $0)]?.finished }.flatMap(\.records).map(\.path)
    let detector = try RunDetection(options).calibrated(without: Set(attacked)) {
      try events(.calibrating(done: $0, of: $1))
    }
    let folder = try OutputDirectory(output.file("runs/" + options.name(of: .first)))
    try detector.write(to: folder.file("detector.json"))
    return detector
  }

  private func state(
    _ run: ExperimentRun, knowing detector: AttackDetector?, events: (EvaluateJob.Event) throws -> Void
  ) throws -> RunState {
    let settings = run.settings(options.numbers)
    let programs: ModelPrograms
    do {
      programs = try options.programs(of: run.network, settings.method.graph, try options.choice(of: run))
    } catch let error as InterpreterError { return .missing("\(error)") }
    var evaluate = EvaluateJob.Options()
    evaluate.limit = options.limit
    evaluate.split = options.split
    var attack = AttackJob.Options()
    attack.threads = options.execution.threads
    attack.targetMap = run.targetMap
    attack.detector = detector
    let folder = try OutputDirectory(output.file("runs/" + options.key(of: run)))
    let job = try EvaluateJob(
      programs, settings: settings, data: options.data, options: evaluate, attack: attack, output: folder)
    return .finished(FinishedRun(run: run, folder: folder, evaluation: try job.run(events: events)))
  }
}

extension ExperimentJob.Options {
  public func model(_ network: ExperimentRun.Network) -> ModelFile? { network == .first ? model : secondModel }

  /// The folder of a run below `runs`.
  func key(of run: ExperimentRun) -> String { name(of: run.network) + "/" + run.name }

  func name(of network: ExperimentRun.Network) -> String { model(network)?.name ?? network.rawValue }

  func reasonToLeaveOut(_ run: ExperimentRun) -> String? {
    if let refusal = run.refusal(numbers) { return refusal }
    if model(run.network) == nil { return "no second network" }
    guard let column = PaperInterpreter(rawValue: run.interpreter), !interpreters.contains(column) else { return nil }
    return "not run"
  }

  func programs(
    of network: ExperimentRun.Network, _ graph: DerivedGraph, _ choice: InterpreterChoice
  ) throws -> ModelPrograms {
    let model = try existing(network)
    return try ModelPrograms(
      ModelRequest(model, of: graph, batch: batch(choice.usualBatch), interpreter: choice), execution)
  }

  func classifier(of network: ExperimentRun.Network) throws -> ImageClassifier {
    try ImageClassifier(path: try existing(network).path, batch: batch(InterpreterChoice().usualBatch))
  }

  private func existing(_ network: ExperimentRun.Network) throws(UsageError) -> ModelFile {
    guard let model = model(network) else { throw UsageError("this call has no second network (--second-model)") }
    return model
  }

  private func batch(_ usual: Int) -> Int { batch ?? min(limit ?? usual, usual) }

  /// The interpreter of a run, with the layer of Grad-CAM.
  fileprivate func choice(of run: ExperimentRun) throws -> InterpreterChoice {
    var choice = run.choice(numbers)
    guard run.featureSize == .twiceTheLast else { return choice }
    let last = try programs(of: run.network, .map, choice).facts.map?.shape.extents ?? []
    if last.count == 3 { choice.options.layer = "\(2 * last[1])x\(2 * last[2])" }
    return choice
  }
}

extension ModelFile {
  /// Its file's name without extension.
  public var name: String { baseName(path) }
}
