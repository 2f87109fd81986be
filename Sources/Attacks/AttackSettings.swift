/// Which attack, with all its numbers; the defaults are those of the paper's experiments on CAM.
public struct AttackSettings: Sendable, Equatable {
  public enum Method: String, Sendable, CaseIterable { case pgd, adv2 }

  public var method: Method
  public var threat: ThreatModel
  /// Steps of PGD, or of the second phase of ADV².
  public var steps: Int
  /// PGD steps ahead of the second phase.
  public var warm: Int
  /// c of the map term's weight c · (1 + (i + 1) / steps).
  public var coefficient: Double
  /// How many steps lie between two checks on the 8-bit lattice.
  public var checkInterval: Int
  /// The probability of the target from which an iterate counts as an attack.
  public var confidence: Double
  /// Whether ADV² also runs PGD on the same images, for comparison.
  public var comparesWithPGD: Bool

  public init(
    method: Method, threat: ThreatModel = ThreatModel(), steps: Int? = nil, warm: Int = 400, coefficient: Double = 5,
    checkInterval: Int = 10, confidence: Double = 0.9, comparesWithPGD: Bool = false
  ) {
    self.method = method
    self.threat = threat
    self.steps = steps ?? (method == .pgd ? 1000 : 1200)
    self.warm = warm
    self.coefficient = coefficient
    self.checkInterval = checkInterval
    self.confidence = confidence
    self.comparesWithPGD = comparesWithPGD
  }

  /// Steps of PGD: of the attack itself, or of its comparison, which gets no more than 1,000.
  public var pgdSteps: Int {
    switch method {
    case .pgd: steps
    case .adv2: comparesWithPGD ? max(min(1000, warm + steps), warm) : warm
    }
  }

  /// Gradient steps taken for each image.
  public var totalSteps: Int { method == .pgd ? steps : pgdSteps + steps }
}

/// How often the network was swept for each image: the cost of an attack in machine-independent units.
public struct SweepCounts: Sendable, Equatable, Codable {
  public var forward = 0
  public var backward = 0
  public var secondOrder = 0

  public init(forward: Int = 0, backward: Int = 0, secondOrder: Int = 0) {
    self.forward = forward
    self.backward = backward
    self.secondOrder = secondOrder
  }
}
