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

  public var network: Network
  /// What distinguishes it from the other runs on its network, and what its folder is called.
  public var name: String
  public var choice: InterpreterChoice
  public var settings: AttackSettings
  public var targetMap: TargetMap
  public var featureSize: FeatureSize

  /// A run with numbers of its own.
  public init(
    name: String, on network: Network = .first, _ choice: InterpreterChoice, _ settings: AttackSettings,
    targetMap: TargetMap = .benign, featureSize: FeatureSize = .last
  ) {
    self.network = network
    self.name = name
    self.choice = choice
    self.settings = settings
    self.targetMap = targetMap
    self.featureSize = featureSize
  }

  /// A run with the default numbers of its attack.
  public init(
    _ method: AttackSettings.Method, _ interpreter: String, on network: Network = .first, targetMap: TargetMap = .benign,
    evading squeezers: [Squeezer] = [], featureSize: FeatureSize = .last
  ) {
    let choice = InterpreterChoice(interpreter, evaded: squeezers)
    // What evades squeezers starts at the photo.
    let settings = AttackSettings(method: method, schedule: choice.schedule(of: method), warm: squeezers.isEmpty ? nil : 0)
    var words = [method.rawValue, interpreter]
    if featureSize == .twiceTheLast { words.append("twice-the-last-size") }
    if targetMap != .benign { words.append(targetMap.words) }
    if !squeezers.isEmpty { words.append("evading-" + squeezers.map(\.name).joined(separator: "-")) }
    self.init(
      name: words.joined(separator: "."), on: network, choice, settings, targetMap: targetMap, featureSize: featureSize)
  }

  /// Why no such run exists whatever the model, in a few words; nil where one does.
  var refusal: String? {
    if choice.name == "rts" { return "needs weights" }
    if choice.name == "mask" && settings.method.isFlow { return "not attacked by \(settings.method.rawValue)" }
    do { try choice.check() } catch { return error.description }
    return nil
  }
}

/// Numbers of a call that all its runs have.
public struct RunNumbers: Sendable {
  /// Steps of each attack; of ADV² those of its second phase.
  public var steps: Int?
  /// Steps ahead of the second phase, where a run has any.
  public var warm: Int?
  public var eps: Double?
  public var seed: UInt64 = 0

  public init() {}

  func applied(to settings: AttackSettings) -> AttackSettings {
    var settings = settings
    if let steps {
      settings.schedule.steps = steps
      settings.descentSteps = steps
    }
    if let warm, settings.warm > 0 { settings.schedule.warm = warm }
    if let eps { settings.threat.eps = eps }
    settings.seed = seed
    return settings
  }
}
