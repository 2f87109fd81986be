import Attacks
import Interpreters
import Operators
import Passes
import TensorTypes

/// An interpreter, with all that decides its graphs.
public struct InterpreterChoice: Sendable, Codable, Equatable {
  /// One of `names`.
  public var name: String
  /// Whose score its map is of, and whose loss an attack on it minimises.
  public var mode: AttackMode
  /// Copies of the network in the step against GRAD: 2 as an attack has it, or 1, whose smoothed derivatives the loss of the
  /// prediction takes too.
  public var copies: Int
  /// That of ReLU, Clip and LeakyRelu in the map of an explanation: `plain`, `smoothed`, `sigmoid`, `softplus:SHARPNESS` or
  /// `guided`.
  public var derivative: String
  public var options: InterpreterOptions
  /// Of the ball that an attack stays in, and of its steps.
  public var norm: ThreatModel.Norm
  /// The squeezers that shall not tell an attack.
  public var evaded: [Squeezer]
  /// Whether an attack's cross entropy is that of smoothed labels; nil as the mode has it.
  public var smoothsLabels: Bool?
  public var evasion: EvasionForm

  public init(
    _ name: String = "cam", mode: AttackMode = .default, copies: Int = 2, derivative: String = "plain",
    options: InterpreterOptions = InterpreterOptions(), norm: ThreatModel.Norm = .linf, evaded: [Squeezer] = [],
    evasion: EvasionForm? = nil
  ) {
    self.name = name
    self.mode = mode
    self.copies = copies
    self.derivative = derivative
    self.options = options
    self.norm = norm
    self.evaded = evaded
    self.evasion = evasion ?? EvasionForm(mode: mode)
  }

  public static let names = [
    "cam", "grad", "grad-cam", "gradient-input", "guided-backprop", "deeplift", "lrp", "ig", "smoothgrad", "mask", "rts",
  ]
  /// Those whose map is an average over samples.
  static let sampled = ["ig", "smoothgrad"]

  /// The interpreters of a name with commas.
  public var parts: [String] {
    name.isEmpty ? [name] : name.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }

  /// Images that run together unless a number is given: the lookahead against MASK keeps four passes of the network at once.
  public var usualBatch: Int { hasMask ? 2 : 8 }

  /// Whether MASK is the interpreter, or one of several.
  public var hasMask: Bool { parts.contains("mask") }

  /// The form of the loss that a step of ADV² goes against.
  public var objective: StepObjective {
    var objective = AttackSchedule(interpreter: name, mode: mode).objective
    objective.norm = norm
    objective.evaded = evaded
    if let smoothsLabels { objective.smoothsLabels = smoothsLabels }
    objective.evasion = evasion
    return objective
  }

  /// The default numbers of an attack on this interpreter.
  public func schedule(of method: AttackSettings.Method) -> AttackSchedule {
    var schedule =
      method.isFlow ? AttackSchedule(flow: name, mode: mode) : AttackSchedule(interpreter: name, mode: mode)
    if method == .adv2 {
      schedule.objective.evaded = evaded
      schedule.objective.evasion = evasion
      // What evades squeezers starts at the photo, by default with the steps of the warm start in its second phase. Not so
      // for MASK, whose map is gone for from where the target is sure, nor by default in the direct form for several
      // squeezers, whose terms together hold the prediction back at the photo.
      let isHeldBack = mode == .default && evasion == .direct && evaded.count > 1
      if !evaded.isEmpty, !hasMask, !isHeldBack {
        if mode == .default { schedule.steps += schedule.warm }
        schedule.warm = 0
      }
    }
    if let smoothsLabels { schedule.objective.smoothsLabels = smoothsLabels }
    return schedule
  }

  /// Of a step that this graph is.
  func objective(of derived: DerivedGraph) -> StepObjective {
    derived == .flowMapStep ? AttackSchedule(flow: name, mode: mode).objective : objective
  }

  /// - Throws: `UsageError` for an unknown name or derivative, or an option of another interpreter.
  public func check() throws(UsageError) {
    for part in parts where !Self.names.contains(part) {
      throw UsageError("there is no interpreter '\(part)'; \(Self.names.joined(separator: ", ")) are known")
    }
    if parts.count > 1 {
      if let alone = parts.first(where: { Self.sampled.contains($0) }) {
        throw UsageError("\(alone) does not go with others: its map is no single graph")
      }
      guard Set(parts).count == parts.count else { throw UsageError("--interpreter names an interpreter twice: \(name)") }
      guard copies == 2, derivative == "plain" else {
        throw UsageError("--copies 1 and --derivative go with one interpreter, not with \(name)")
      }
    }
    if parts.contains("rts"), options.rtsWeights == nil { throw Self.needsWeights }
    if parts.contains("rts"), parts.count > 1 {
      throw UsageError("rts does not go with others: it has a network of its own")
    }
    try options.check(for: name)
    guard smoothsLabels == nil || name != "mask" else {
      throw UsageError(
        "--label-smoothing goes with interpreters whose attack lowers a cross entropy; mask's lowers a margin")
    }
    if hasMask, !evaded.isEmpty {
      guard parts.count == 1 else { throw UsageError("--evade goes with mask alone, not with mask among others: \(name)") }
      guard evasion != .code, !evaded.contains(where: evasion.searches) else {
        throw UsageError(
          "--evade \(evaded.map(\.name).joined(separator: ",")) goes with mask by --evasion direct, not by "
            + "\(evasion.rawValue), whose terms are added to a cross entropy and a map's loss")
      }
    }
    if norm != .linf, let searched = evaded.first(where: evasion.searches) {
      throw UsageError(
        "--evade \(searched.name) goes with --norm linf, or with --evasion direct: steps in squeezed space are those of signs"
      )
    }
    _ = try Adjoint.derivative(named: derivative)
  }

  /// The interpreter on the prepared network of a classifier, with the form of the loss against it.
  /// - Throws: `UsageError` for a choice that does not exist; `InterpreterError`.
  func prepared(for classifier: Classifier) throws -> PreparedInterpreter {
    guard hasMask || Self.sampled.contains(name) else { return .drawn(try interpreter(for: classifier), self) }
    try check()
    guard copies == 2, derivative == "plain" else {
      throw UsageError("--copies 1 and --derivative do not go with --interpreter \(name), which takes the network as it is")
    }
    if !hasMask {
      var gradient = SampledGradient(
        classifier, name == "ig" ? .integrated(baseline: try baseline(for: classifier)) : .smooth)
      gradient.derivative = try options.surrogateDerivative()
      gradient.network = try Pipeline.prepare(gradient.network)
      return .sampled(gradient, self)
    }
    var mask = try MaskInterpreter(
      classifier, version: try options.version(), smoothness: mode == .code ? .transposed : .paired)
    mask.network = try Pipeline.prepare(mask.network)
    let lookahead = try options.lookaheadDerivatives()
    guard parts.count > 1 else { return .mask(mask, lookahead, self) }
    var others = try combined(parts.filter { $0 != "mask" }, for: classifier)
    others.network = try Pipeline.prepare(others.network)
    return .joint(others, mask, lookahead, self)
  }

  /// The interpreter on the prepared network of a classifier.
  /// - Throws: `UsageError` for a choice that does not exist; `InterpreterError`.
  private func interpreter(for classifier: Classifier) throws -> any Interpreter {
    try check()
    if parts.count > 1 {
      var combined = try combined(parts, for: classifier)
      combined.network = try Pipeline.prepare(combined.network)
      return combined
    }
    var interpreter = try one(name, for: classifier)
    interpreter.network = try Pipeline.prepare(interpreter.network)
    if copies == 1 {
      guard let map = interpreter as? GradientMap else {
        throw UsageError("--copies 1 goes with --interpreter grad; the step against '\(name)' has one copy of the network")
      }
      interpreter = try map.withOneCopy()
    }
    let derivative = try Adjoint.derivative(named: derivative)
    if derivative != .plain {
      guard interpreter.sweeps.backward > 0 else {
        throw UsageError("the interpreter \(name) takes no derivative, which '\(self.derivative)' would change")
      }
      interpreter.network = try SubstituteDerivatives(all: derivative).run(interpreter.network)
    }
    return interpreter
  }

  private func combined(_ parts: [String], for classifier: Classifier) throws -> CombinedInterpreter {
    let interpreters = try parts.map { try one($0, for: classifier) }
    let weights =
      try options.givenWeights(of: name)
      ?? interpreters.map { own in
        AttackSchedule.weight(of: own.name, mode: mode, places: own.mapShape[1] * own.mapShape[2])
      }
    return try CombinedInterpreter(interpreters, weights: weights)
  }

  private func baseline(for classifier: Classifier) throws(UsageError) -> Baseline {
    try options.baselineImage(channels: classifier.imageShape[1])
  }

  private func one(_ name: String, for classifier: Classifier) throws -> any Interpreter {
    let surrogate = try options.surrogateDerivative()
    func pixels(_ interpreter: some PixelInterpreter) -> any Interpreter {
      var interpreter = interpreter
      interpreter.derivative = surrogate
      return interpreter
    }
    switch name {
    case "grad":
      return pixels(GradientMap(classifier, score: mode == .code ? .meanCrossEntropy : .logOdds))
    case "grad-cam":
      var map = try GradientClassActivationMap(
        classifier, layer: options.featureLayer, weights: try options.channelWeights())
      map.derivative = surrogate
      return map
    case "gradient-input": return pixels(GradientTimesInput(classifier))
    case "guided-backprop": return pixels(GuidedBackpropagation(classifier))
    case "deeplift": return pixels(DeepLIFT(classifier, baseline: try baseline(for: classifier)))
    case "lrp": return pixels(LayerwiseRelevance(classifier, stabiliser: options.epsilon ?? 1e-4))
    case "rts": return try realTimeSaliency(for: classifier)
    default: return try ClassActivationMap(classifier, weights: try options.classWeights())
    }
  }

  /// In a sentence what of images [B, C, H, W] the interpreter leaves out; nil where it takes all of them.
  func remark(imageShape: Shape) -> String? {
    parts.first(where: AttackSchedule.isOfPixels).flatMap { PixelMap.remark(imageShape: imageShape, interpreter: $0) }
  }
}
