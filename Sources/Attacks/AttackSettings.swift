/// Which attack, with all its numbers.
public struct AttackSettings: Sendable, Equatable {
  public enum Method: String, Sendable, CaseIterable {
    case pgd, adv2, stadv
    case adv2Stadv = "adv2-stadv"

    /// Whether a second phase also keeps the map.
    public var keepsMap: Bool { self == .adv2 || self == .adv2Stadv }
    /// Whether pixels are moved, which no eps bounds, instead of changed.
    public var isFlow: Bool { self == .stadv || self == .adv2Stadv }
  }

  public var method: Method
  public var threat: ThreatModel
  /// The second phase of ADV², and the warm start ahead of it.
  public var schedule: AttackSchedule
  /// Further numbers of ADV² against MASK.
  public var mask: MaskSchedule
  /// Steps of PGD where that is the attack.
  public var descentSteps: Int
  /// How many steps lie between two checks on the 8-bit lattice.
  public var checkInterval: Int
  /// Whether ADV² also runs PGD on the same images, for comparison.
  public var comparesWithPGD: Bool
  /// What decides, together with image and draw, every random number.
  public var seed: UInt64
  /// Whether PGD leaves the label for whatever other class, instead of going for a target.
  public var isUntargeted = false
  /// Whether the first run too starts at a random place within eps instead of at the image.
  public var startsAtRandom = false
  /// How many runs are made from random places after the first; the best of all is the result.
  public var restarts = 0
  /// Whether an image is done at the first check at which its attack succeeds: label and probability, and for ADV² a map
  /// within `jointMapDistance`.
  public var stopsEarly = false
  /// The weight of what squeezers see, where they are evaded.
  public var evasionWeight = 1.0
  /// Steps of the search in squeezed space for a squeezer, as the published code has it.
  public var squeezedSteps = 400
  /// A detector that is known to the attack: among iterates that pass it prefers those that the evaded squeezers do not
  /// tell.
  public var detector: SqueezeThresholds?

  /// - Parameters:
  ///   - steps: of PGD, or of the second phase of ADV².
  ///   - coefficient: the weight of the map's loss in the last part of the schedule.
  /// What is nil is 1,000 steps of PGD and what the schedule says.
  public init(
    method: Method, threat: ThreatModel = ThreatModel(), schedule: AttackSchedule = AttackSchedule(), steps: Int? = nil,
    warm: Int? = nil, coefficient: Double? = nil, checkInterval: Int? = nil, comparesWithPGD: Bool = false, seed: UInt64 = 0
  ) {
    self.method = method
    self.threat = threat
    self.schedule = schedule
    descentSteps = steps ?? (method == .stadv ? FlowTerms.plainSteps : 1000)
    mask = MaskSchedule(mode: schedule.mode, isFlow: method.isFlow)
    self.checkInterval = checkInterval ?? schedule.checkInterval
    self.comparesWithPGD = comparesWithPGD
    self.seed = seed
    self.schedule.objective.norm = threat.norm
    if let steps { self.schedule.steps = steps }
    if let warm { self.schedule.warm = warm }
    if let coefficient { self.schedule.coefficient = coefficient }
  }

  /// Of the known detector the evaded squeezers; nil where there are none.
  var evadedDetector: SqueezeThresholds? {
    let known = detector?.only(schedule.objective.evaded)
    return known?.squeezers.isEmpty == false ? known : nil
  }

  /// Whether a step against MASK must leave something else as it is: the maps of other interpreters, or what squeezers see.
  public var sharesMaskSteps: Bool { schedule.interpreter != "mask" || !schedule.objective.evaded.isEmpty }

  /// Whether the first phase of ADV² is the plain attack itself, so that a comparison shares its steps: against MASK alone it
  /// lowers the margin in place of the cross entropy.
  var startsPlain: Bool { schedule.interpreter != "mask" }

  /// Steps of PGD, or of the second phase of ADV².
  public var steps: Int { method.keepsMap ? schedule.steps : descentSteps }
  public var warm: Int { schedule.warm }
  public var confidence: Double { schedule.confidence }
  /// The probability of the target from which PGD's comparison stops, and from which an attack counts as a joint success.
  public static let confidentProbability = 0.9
  /// Steps between two checks of what ADV² against several interpreters does ahead of MASK.
  static let jointCheckInterval = 10
  /// The map distance up to which an attack counts as a joint success.
  public static let jointMapDistance = 0.06

  /// Steps of PGD: of the attack itself, or of its comparison, which gets no more than 1,000.
  public var pgdSteps: Int {
    switch method {
    case .pgd, .stadv: steps
    case .adv2Stadv:
      comparesWithPGD ? startsPlain ? max(FlowTerms.plainSteps, warm) : FlowTerms.plainSteps + warm : warm
    case .adv2: comparesWithPGD ? max(comparisonSteps, warm) : warm
    }
  }

  /// Steps of PGD beside ADV²: as many as ADV² takes gradients of prediction or map, at most 1,000.
  public var comparisonSteps: Int {
    let gradients = schedule.interpreter == "mask" ? mask.followerSteps + mask.lookaheadSteps : 1
    return min(1000, warm + steps * gradients)
  }

  /// Gradient steps taken for each image, where nothing stops an attack before.
  public var totalSteps: Int {
    (method.keepsMap ? pgdSteps + steps + searchSteps : steps) + restarts * stepsOfRestart
  }
  /// Those of a run after the first, which has no comparison.
  var stepsOfRestart: Int { method.keepsMap ? warm + steps + searchSteps : steps }

  /// Steps of the search in squeezed space for all squeezers that have one.
  public var searchSteps: Int {
    let objective = schedule.objective
    return method == .adv2 ? squeezedSteps * objective.evaded.count { objective.evasion.searches(for: $0) } : 0
  }

  /// Where the term of a squeezer begins in the form of the published code: at 3/4 of its threshold in the known detector,
  /// or without one in that code; nil where neither has it.
  public func hingeMargin(of squeezer: Squeezer) -> Double? {
    (detector?[squeezer] ?? EvasionForm.publishedThresholds[squeezer]).map { EvasionForm.hingeShare * $0 }
  }
}
