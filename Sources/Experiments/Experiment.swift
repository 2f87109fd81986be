/// A table or figure of the paper as something that can be run: the attacks it rests on, and what is read from them.
public protocol Experiment: Sendable {
  /// What the command line calls it: `t3`, `f4`.
  var id: String { get }
  /// What it shows, in a few words.
  var title: String { get }
  /// Where the paper has it and what it finds there, in a sentence.
  var reference: String { get }
  /// Whether it is about the second network alone.
  var isOfSecondNetwork: Bool { get }
  /// Whether it takes a network and photos.
  var needsNetwork: Bool { get }
  /// Every attack it rests on, also those that cannot be run; equal ones of several experiments run once.
  var runs: [ExperimentRun] { get }
  /// Refuses a call that could not give the result, before anything is attacked.
  func check(_ options: ExperimentJob.Options) throws
  /// Reads tables, comparisons and pictures from what the runs left.
  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome
}

extension Experiment {
  public var isOfSecondNetwork: Bool { false }
  public var needsNetwork: Bool { true }
  public func check(_ options: ExperimentJob.Options) throws {}
}

/// What an experiment shows.
public struct ExperimentOutcome: Sendable {
  public var tables: [ExperimentTable]
  /// One for each of the paper's numbers that there is something to hold against.
  public var comparisons: [PaperComparison]
  /// Its own; where it has none, its report shows the runs.
  public var pictures: [ExperimentPicture]

  public init(
    tables: [ExperimentTable], comparisons: [PaperComparison] = [], pictures: [ExperimentPicture] = []
  ) {
    self.tables = tables
    self.comparisons = comparisons
    self.pictures = pictures
  }
}
