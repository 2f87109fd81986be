/// The numbers of an attack by a flow that one by changes of pixels lacks.
public struct FlowTerms: Sendable, Equatable {
  /// The weight of the flow loss, τ. At the paper's 0.0005 flows stay too smooth to keep the maps of ImageNet photos.
  public var smoothness = 0.00002
  /// That of the first phase, where it is another.
  public var firstSmoothness: Double?
  /// The weight of the cross entropy in the second phase.
  public var crossEntropyWeight = 1.0
  /// Where the margin, which stands in place of the cross entropy against MASK alone, is low enough.
  public var marginFloor = -5.0
  /// What the loss of MASK weighs beside those of other interpreters, in units of their coefficient.
  public var maskWeight = 1.0
  /// Each component of the first flow is drawn from U(−initialFlow, initialFlow), in pixels.
  public var initialFlow = 0.1
  public var optimiser = AMSGrad(rate: 0.01)
  /// That of the second phase.
  public var mapOptimiser = AMSGrad(rate: 0.01)
  /// Steps of stAdv that is not followed by a second phase.
  public static let plainSteps = 300

  /// Every number of an attack on one interpreter, or several with commas between them, by name.
  public func configuration(of interpreter: String) -> [(name: String, value: String)] {
    let isAgainstMask = AttackSchedule.hasMask(interpreter)
    let weights =
      (interpreter == "mask" ? [("marginFloor", "\(marginFloor)")] : [("crossEntropyWeight", "\(crossEntropyWeight)")])
      + (isAgainstMask && interpreter != "mask" ? [("maskWeight", "\(maskWeight)")] : [])
    return [
      ("smoothness", "\(smoothness)"), ("firstSmoothness", "\(firstSmoothness ?? smoothness)"),
    ] + weights + [
      ("initialFlow", "U(-\(initialFlow), \(initialFlow))"),
      ("optimiser", "AMSGrad, rate \(optimiser.rate), then \(mapOptimiser.rate)"),
      ("bound", "none: the 8-bit PNG of the warped image is judged"),
    ]
  }
}

extension AttackSchedule {
  /// The schedule of ADV² on stAdv against one interpreter, or several with commas between them, which no source has; the
  /// numbers of `paper` are those of its table 12.
  public init(flow interpreter: String, mode: AttackMode = .default) {
    self.interpreter = interpreter
    self.mode = mode
    var terms = FlowTerms()
    if mode != .default { terms.smoothness = 0.0005 }
    confidence = 0.9
    finalAlpha = 1
    if interpreter.contains(",") {
      (steps, warm) = (Self.hasMask(interpreter) ? 1000 : 800, 200)
      parts = [Part(coefficient: 1, growth: 1)]
      objective = StepObjective()
      stated = []
      flow = terms
      return
    }
    if interpreter == "mask" {
      (steps, warm) = (mode == .default ? 600 : 1000, 400)
      parts = [Part(coefficient: mode == .default ? 3 : 500)]
      objective = StepObjective(mapReduction: .sum)
      stated = mode == .default ? [] : mode == .paper ? [.steps, .stages] : [.steps, .warm, .stages, .mapLoss]
      if mode == .default {
        // A sum over a thousand classes needs a margin beyond the code's for a probability that stays above 0.9.
        (terms.smoothness, terms.marginFloor) = (0.0000003, -8)
      } else {
        (terms.smoothness, terms.firstSmoothness) = (0.004, 0.0005)
        terms.mapOptimiser.rate = 0.005
      }
      flow = terms
      return
    }
    let isGradient = Self.isOfPixels(interpreter)
    (steps, warm) = isGradient ? (704, 450) : (600, 200)
    objective = StepObjective(mapReduction: isGradient ? .sum : .mean)
    switch (isGradient, mode) {
    case (true, .default), (true, .code):
      parts = zip([3, 2, 1, 1], [0.003, 0.01, 0.05, 0.2]).map { Part(share: $0, coefficient: $1) }
      if mode == .code { confidence = 0.75 }
      stated = mode == .code && interpreter == "grad" ? Set(Field.allCases) : []
    case (true, .paper):
      steps = 800
      parts = [Part(coefficient: 0.023)]
      stated = interpreter == "grad" ? [.steps, .stages, .mapLoss] : []
    case (false, .default), (false, .code):
      parts = [Part(coefficient: 5, growth: 1)]
      if mode == .code { (confidence, terms.crossEntropyWeight) = (0, 2) }
      stated = mode == .code && interpreter == "cam" ? [.steps, .warm, .stages, .mapLoss, .labelSmoothing, .confidence] : []
    case (false, .paper):
      parts = [Part(coefficient: 0.653)]
      objective = StepObjective(mapReduction: .sum)
      stated = interpreter == "cam" ? [.steps, .stages, .mapLoss] : []
    }
    flow = terms
  }
}
