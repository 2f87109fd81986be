import IR

/// Which derivative an elementwise operation declares where its own has kinks or jumps; values stay as they are.
///
/// Every derivative but `plain` makes the operation a surrogate. h and σ(βz) take the place of r(z), the derivative of ReLU:
///
///     relu x: f(x),  clip x to a ... b: f(x − a) − f(x − b),  leakyRelu x with slope s: s + (1 − s) f(x)
///
/// One bound of Clip may be infinite, which leaves one term, since f is 0 at −∞ and 1 at +∞. Bounds and slopes keep their
/// own derivatives. In f32 h keeps its relative accuracy on both sides of 0; the difference of Clip is exact to a rounding
/// of 1.
public enum KinkDerivative: Sendable, Hashable {
  /// That of the value; for ReLU r(z) = 1 where z > 0, with a second derivative of zero (section 3.2 of the paper).
  case plain
  /// The paper's h (section 3.2).
  case smoothed
  /// σ(βz), the derivative of log(1 + exp(βz)) / β; β is positive.
  case softplus(sharpness: Double)
  /// Guided backpropagation (Springenberg et al. 2015): the operation's own derivative, of the positive part of the
  /// cotangent; for ReLU g · 1[z > 0] · 1[g > 0].
  ///
  /// For reverse mode alone. A pullback of a pullback goes by it again.
  case guided
  /// One, for rounding.
  case straightThrough

  /// σ(z), with the second derivative σ(1 − σ) (section 3.2 of the paper).
  public static let sigmoid = softplus(sharpness: 1)

  /// Whether an operation with this function can declare the derivative.
  public func isDefined(on function: ScalarFunction) -> Bool {
    switch (self, function) {
    case (.plain, _): true
    case (.straightThrough, .roundHalfEven), (.straightThrough, .floor), (.straightThrough, .ceiling): true
    case (.smoothed, .relu), (.smoothed, .clip), (.smoothed, .leakyRelu): true
    case (.guided, .relu), (.guided, .clip), (.guided, .leakyRelu): true
    case (.softplus(let sharpness), .relu), (.softplus(let sharpness), .clip), (.softplus(let sharpness), .leakyRelu):
      sharpness > 0 && sharpness.isFinite
    default: false
    }
  }

  /// What an operation that cannot declare it is told.
  public var refusal: String {
    switch self {
    case .plain: ""
    case .straightThrough: "only roundHalfEven, floor and ceiling can have a straight-through derivative"
    case .smoothed, .guided: "only relu, clip and leakyRelu can have a \(name) derivative"
    case .softplus(let sharpness):
      "only relu, clip and leakyRelu can have a softplus derivative, of a positive sharpness; it is \(sharpness)"
    }
  }

  func derivative(of function: ScalarFunction) -> Derivative {
    switch self {
    case .plain: .elementwise(function.partials)
    case .guided: .guided(function.partials)
    case .straightThrough: .elementwise([1])
    case .smoothed: .elementwise(partials(of: function) { .apply(.smoothedStep, [$0]) })
    case .softplus(1): .elementwise(partials(of: function) { .apply(.sigmoid, [$0]) })
    case .softplus(let sharpness): .elementwise(partials(of: function) { .apply(.sigmoid, [.literal(sharpness) * $0]) })
    }
  }

  private func partials(of function: ScalarFunction, _ step: (ScalarExpression) -> ScalarExpression)
    -> [ScalarExpression?]
  {
    let x = ScalarExpression.operand(0)
    let second = ScalarExpression.operand(1)
    var partials = function.partials
    switch function {
    case .clip: partials[0] = step(x - second) - step(x - .operand(2))
    case .leakyRelu: partials[0] = second + (1 - second) * step(x)
    default: partials[0] = step(x)
    }
    return partials
  }
}

// The text form: {derivative = softplus, sharpness = 4.0}; nothing for `plain`.
extension KinkDerivative {
  private var name: String {
    switch self {
    case .plain: "plain"
    case .smoothed: "smoothed"
    case .softplus: "softplus"
    case .guided: "guided"
    case .straightThrough: "straightThrough"
    }
  }

  var attributes: Attributes {
    switch self {
    case .plain: [:]
    case .softplus(let sharpness): ["derivative": .word(name), "sharpness": .number(sharpness)]
    case .smoothed, .guided, .straightThrough: ["derivative": .word(name)]
    }
  }

  init(_ attributes: Attributes) throws(AttributeError) {
    guard attributes["derivative"] != nil else {
      self = .plain
      return
    }
    switch try attributes.word("derivative") {
    case "smoothed": self = .smoothed
    case "softplus": self = .softplus(sharpness: try attributes.number("sharpness"))
    case "guided": self = .guided
    case "straightThrough": self = .straightThrough
    default: throw AttributeError(name: "derivative", expected: "smoothed, softplus, guided or straightThrough")
    }
  }
}
