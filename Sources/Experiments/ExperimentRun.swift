import Adjoint
import Attacks

/// An attack on labelled photos.
public struct ExperimentRun: Sendable, Equatable {
  /// Which of the networks of a call.
  public enum Network: String, Sendable, CaseIterable, Codable {
    /// Where the paper has ResNet-50.
    case first
    /// Where it has DenseNet-169.
    case second
  }

  /// The feature map of Grad-CAM.
  public enum FeatureSize: Sendable, Equatable {
    case last
    /// The last feature map of twice the sides of the last one: 14 x 14 where that is 7 x 7.
    case twiceTheLast
  }

  /// A number that is not as the mode has it.
  public enum Change: Sendable, Equatable {
    case steps(Int)
    case warm(Int)
    case finalAlpha(Double)
    case smoothsLabels(Bool)
    case surrogate(String)
    case samples(Int)
    case lookaheadSteps(Int)
    case resetInterval(Int)
    case halvings(Int)
  }

  public var network: Network
  /// What distinguishes it from the other runs on its network, and what its folder is called.
  public var name: String
  public var method: AttackSettings.Method
  public var interpreter: String
  public var targetMap: TargetMap
  /// The squeezers that shall not tell it.
  public var evaded: [Squeezer]
  public var featureSize: FeatureSize
  public var changes: [Change]

  /// - Parameter suffix: what distinguishes a run with changes from the one without.
  public init(
    _ method: AttackSettings.Method, _ interpreter: String, on network: Network = .first, targetMap: TargetMap = .benign,
    evading squeezers: [Squeezer] = [], featureSize: FeatureSize = .last, changes: [Change] = [], suffix: String? = nil
  ) {
    self.network = network
    self.method = method
    self.interpreter = interpreter
    self.targetMap = targetMap
    evaded = squeezers
    self.featureSize = featureSize
    self.changes = changes
    var words = [method.rawValue, interpreter]
    if featureSize == .twiceTheLast { words.append("twice-the-last-size") }
    if targetMap != .benign { words.append(targetMap.words) }
    if !squeezers.isEmpty { words.append("evading-" + squeezers.map(\.name).joined(separator: "-")) }
    name = (words + [suffix].compactMap(\.self)).joined(separator: ".")
  }

  /// Whether it knows the thresholds of squeezers.
  var knowsDetector: Bool { !evaded.isEmpty }

  /// The interpreter in the mode of a call.
  func choice(_ numbers: RunNumbers) -> InterpreterChoice {
    var choice = numbers.choice(of: interpreter)
    choice.evaded = evaded
    for change in changes {
      switch change {
      case .smoothsLabels(let smooths): choice.smoothsLabels = smooths
      case .surrogate(let derivative): choice.options.surrogate = derivative
      case .samples(let count): choice.options.samples = count
      case .lookaheadSteps(let steps): choice.options.lookaheadSteps = steps
      case .steps, .warm, .finalAlpha, .resetInterval, .halvings: break
      }
    }
    return choice
  }

  /// The attack with the numbers of its mode, those of its own, and those of a call.
  func settings(_ numbers: RunNumbers) -> AttackSettings {
    var settings = AttackSettings(method: method, schedule: choice(numbers).schedule(of: method), seed: numbers.seed)
    func take(steps: Int) {
      settings.schedule.steps = steps
      settings.descentSteps = steps
    }
    for change in changes {
      switch change {
      case .steps(let steps): take(steps: steps)
      case .warm(let steps): settings.schedule.warm = steps
      case .finalAlpha(let share): settings.schedule.finalAlpha = share
      case .resetInterval(let iterations): settings.mask.resetInterval = iterations
      case .halvings(let count): settings.mask.halvings = count
      case .smoothsLabels, .surrogate, .samples, .lookaheadSteps: break
      }
    }
    if let steps = numbers.steps { take(steps: steps) }
    if let warm = numbers.warm, settings.warm > 0 { settings.schedule.warm = warm }
    if let eps = numbers.eps { settings.threat.eps = eps }
    return settings
  }

  /// Why no such run exists whatever the model, in a few words; nil where one does.
  func refusal(_ numbers: RunNumbers) -> String? {
    if interpreter == "rts", numbers.rtsWeights == nil { return "needs weights" }
    do { try choice(numbers).check() } catch { return error.description }
    return nil
  }
}

/// Numbers of a call that all its runs have.
public struct RunNumbers: Sendable, Encodable {
  /// Whose numbers apply where no other are given.
  public var mode = AttackMode.default
  /// Steps of each attack; of ADV² those of its second phase.
  public var steps: Int?
  /// Steps ahead of the second phase, where a run has any.
  public var warm: Int?
  public var eps: Double?
  public var seed: UInt64 = 0
  /// The trained weights of RTS, and how pixels become its input, as `InterpreterOptions` has them.
  public var rtsWeights: String?
  public var rtsInput: String?

  public init() {}

  /// An interpreter in this mode.
  func choice(of interpreter: String) -> InterpreterChoice {
    var choice = InterpreterChoice(interpreter, mode: mode)
    guard interpreter == PaperInterpreter.rts.rawValue else { return choice }
    choice.options.rtsWeights = rtsWeights
    choice.options.rtsInput = rtsInput
    return choice
  }

  /// Those that are not as by default.
  var words: [String] {
    [
      mode == .default ? nil : "numbers of the \(mode.rawValue)", steps.map { "\($0) steps" },
      warm.map { "\($0) warm steps" }, eps.map { "eps \($0)" }, seed == 0 ? nil : "seed \(seed)",
    ].compactMap(\.self)
  }
}
