/// Whose numbers an attack takes: our choice among them, those of the paper, or those of the code published with it.
///
/// Where the paper or the code says nothing, `default` applies. Beside its numbers the code has habits that no mode repeats,
/// such as a warm start that leaves [0, 1] and a loss whose map is that of the normalised pixels, while the judged map is not;
/// docs/paper-setting.md names them.
public enum AttackMode: String, Sendable, CaseIterable, Codable { case `default`, paper, code }

/// What the second phase of ADV² minimises at each step, and how it judges.
public struct AttackSchedule: Sendable, Equatable {
  /// Part of the steps, with one weight of the map's loss or one that grows.
  public struct Part: Sendable, Equatable {
    /// In proportion to the other parts.
    public var share: Int
    public var coefficient: Double
    /// The weight is coefficient · (1 + growth · (i + 1) / n) at step i of n.
    public var growth: Double

    public init(share: Int = 1, coefficient: Double, growth: Double = 0) {
      self.share = share
      self.coefficient = coefficient
      self.growth = growth
    }
  }

  /// Numbers that a mode may state.
  public enum Field: String, Sendable, CaseIterable {
    case steps, warm, stages, mapLoss
    case labelSmoothing = "label-smoothing"
    case confidence, mapScore
    case finalAlpha = "final-alpha"
  }

  /// The interpreter's name.
  public let interpreter: String
  public let mode: AttackMode
  /// What the mode's own source states; the rest is the default.
  public let stated: Set<Field>
  public var steps: Int
  /// PGD steps ahead of the second phase.
  public var warm: Int
  public var parts: [Part]
  public var objective: StepObjective
  /// The probability of the target from which an iterate counts as an attack.
  public var confidence: Double
  /// What share of alpha the last step of the second phase takes; it falls linearly from the whole. Steps of one length
  /// leave the pixels shaking by alpha, which moves maps of pixels nearly as far as the attack does.
  public var finalAlpha: Double
  /// Of attacks that move pixels.
  public var flow: FlowTerms?

  /// Whether the map of an interpreter shows derivatives at windows of pixels, as that of GRAD.
  public static func isOfPixels(_ interpreter: String) -> Bool { !["cam", "grad-cam", "mask", "rts"].contains(interpreter) }

  /// What an interpreter's mean squared difference weighs in a loss with others, whose coefficient grows from 1 to 2: half
  /// of what it weighs at the end of its own schedule; by default six times that for maps of features and three quarters of
  /// it for maps of pixels, which otherwise leave the former behind.
  /// - Parameter places: of its map.
  public static func weight(of interpreter: String, mode: AttackMode, places: Int) -> Double {
    let own = AttackSchedule(interpreter: interpreter, mode: mode)
    let last = own.parts.last.map { $0.coefficient * (1 + $0.growth) } ?? 0
    let balance: Double = mode != .default ? 1 : isOfPixels(interpreter) ? 0.75 : 6
    return balance * last / 2 * (own.objective.mapReduction == .sum ? Double(places) : 1)
  }

  /// The schedule against one interpreter, or several with commas between them, which no source has; that of GRAD against
  /// every other map of pixels; the numbers of `paper` are those of its table 11.
  public init(interpreter: String = "cam", mode: AttackMode = .default) {
    self.interpreter = interpreter
    self.mode = mode
    confidence = 0.9
    finalAlpha = mode == .default && interpreter != "mask" ? 0.03 : 1
    flow = nil
    if interpreter.contains(",") {
      // A third of 1,800 is against MASK too.
      (steps, warm) = (Self.hasMask(interpreter) ? 1800 : 1200, 400)
      parts = [Part(coefficient: 1, growth: 1)]
      let isOfPixels = interpreter.split(separator: ",").contains { Self.isOfPixels(String($0)) }
      objective = StepObjective(smoothsLabels: isOfPixels && mode == .default)
      stated = []
      return
    }
    switch (Self.isOfPixels(interpreter), mode) {
    case (true, .default), (true, .code):
      (steps, warm) = (704, 300)
      parts = zip([3, 2, 1, 1], [0.001, 0.004, 0.01, 0.05]).map { Part(share: $0, coefficient: $1) }
      objective = StepObjective(mapReduction: .sum, smoothsLabels: mode == .default)
      if mode == .code { confidence = 0.8 }
      stated = mode == .code && interpreter == "grad" ? Set(Field.allCases) : []
    case (true, .paper):
      (steps, warm) = (800, 400)
      parts = [Part(coefficient: 0.007)]
      objective = StepObjective(mapReduction: .sum, smoothsLabels: true)
      stated = interpreter == "grad" ? [.steps, .warm, .stages, .mapLoss, .labelSmoothing, .finalAlpha] : []
    case (false, _) where interpreter == "mask":
      (steps, warm) = (mode == .default ? 600 : 1000, 400)
      parts = []
      objective = StepObjective()
      stated = mode == .code ? [.steps, .warm] : mode == .paper ? [.steps] : []
    case (false, .default), (false, .code):
      // A third of the published 1,200 leaves maps of CAM .0014 away instead of .0009, and costs half as much with the warm
      // start; on RTS that has not been seen.
      (steps, warm) = (mode == .default && interpreter != "rts" ? 400 : 1200, interpreter == "rts" ? 300 : 400)
      parts = [Part(coefficient: 5, growth: 1)]
      objective = StepObjective()
      if mode == .code { confidence = 0 }
      stated =
        mode == .code && interpreter == "cam"
        ? [.steps, .warm, .stages, .mapLoss, .labelSmoothing, .confidence, .finalAlpha] : []
    case (false, .paper):
      (steps, warm) = (1200, 400)
      parts = [Part(coefficient: 0.204)]
      objective = StepObjective(mapReduction: .sum)
      stated = interpreter == "cam" ? [.steps, .stages, .mapLoss, .finalAlpha] : []
    }
  }

  /// The share of alpha that a step of the second phase takes.
  public func alphaShare(step: Int) -> Double { 1 + (finalAlpha - 1) * Double(step) / Double(max(steps - 1, 1)) }

  /// Steps of PGD, or of the second phase of ADV² against other maps, between two checks: a map of MASK costs hundreds of
  /// sweeps.
  public var checkInterval: Int { Self.hasMask(interpreter) ? 250 : 10 }

  /// Whether MASK is the interpreter, or one of several.
  static func hasMask(_ interpreter: String) -> Bool { interpreter.split(separator: ",").contains("mask") }

  /// The steps of each part, which add up to `steps`.
  public var stages: [(steps: Int, part: Part)] {
    let total = parts.reduce(0) { $0 + $1.share }
    var share = 0
    var taken = 0
    return parts.map { part in
      share += part.share
      let end = steps * share / total
      defer { taken = end }
      return (end - taken, part)
    }
  }

  /// The weight of the last part; setting it scales the others alike.
  public var coefficient: Double {
    get { parts.last?.coefficient ?? 0 }
    set {
      let factor = coefficient == 0 ? 0 : newValue / coefficient
      for index in parts.indices.dropLast() { parts[index].coefficient *= factor }
      if let last = parts.indices.last { parts[last].coefficient = newValue }
    }
  }
}

extension AttackSchedule {
  /// Every number with where it comes from: `option` for those that differ from the mode's.
  public var configuration: [(field: Field, value: String, source: String)] {
    let unchanged =
      flow == nil ? AttackSchedule(interpreter: interpreter, mode: mode) : AttackSchedule(flow: interpreter, mode: mode)
    let gradientScore =
      mode == .code
      ? "cross entropy, mean over the batch, divisor at least 1e-8" : "log-odds, divisor at least 1e-30"
    let mapScore = interpreter == "grad" ? gradientScore : interpreter == "ig" ? "probability" : "logit"
    func words(_ schedule: AttackSchedule, _ field: Field) -> String {
      switch field {
      case .steps: "\(schedule.steps)"
      case .warm: "\(schedule.warm)"
      case .stages: schedule.stagesText
      case .mapLoss: "\(schedule.objective.mapReduction.rawValue) of squares"
      case .labelSmoothing: schedule.objective.smoothsLabels ? "sampled" : "none"
      case .confidence: "\(schedule.confidence)"
      case .mapScore: mapScore
      case .finalAlpha: "\(schedule.finalAlpha)"
      }
    }
    let fields: [Field] =
      switch (interpreter == "mask", flow == nil) {
      case (true, true): [.steps, .warm, .confidence]
      case (true, false): [.steps, .warm, .stages, .mapLoss, .confidence]
      case (false, true): Field.allCases
      case (false, false): Field.allCases.filter { ![.labelSmoothing, .finalAlpha].contains($0) }
      }
    return fields.map { field in
      let isChanged = words(self, field) != words(unchanged, field)
      return (field, words(self, field), isChanged ? "option" : stated.contains(field) ? mode.rawValue : "default")
    }
  }
}
