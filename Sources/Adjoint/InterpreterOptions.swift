import Attacks
import Interpreters
import Operators

/// What some interpreters can be asked for, in the words of the command line; nil is the default.
public struct InterpreterOptions: Sendable, Codable, Equatable {
  /// The file of the weights of RTS, safetensors or ONNX, and the SHA-256 of what is in it.
  public var rtsWeights: String?
  public internal(set) var rtsWeightsSHA256: String?
  /// How pixels become the input of its encoder: `doubled` or `imagenet`.
  public var rtsInput: String?
  /// Which weights CAM takes of two classes: `class` or `margin`.
  public var camWeights: String?
  /// The feature map of Grad-CAM: an ONNX node, or the last of a size such as `14x14`.
  public var layer: String?
  /// How the channel weights of Grad-CAM enter an attack: `constant` or `differentiated`.
  public var layerWeights: String?
  /// Every value of the image that DeepLIFT and integrated gradients compare with, in [0, 1].
  public var baseline: String?
  /// Of integrated gradients and SmoothGrad.
  public var samples: Int?
  /// The standard deviation of SmoothGrad's noise, where pixels are in [0, 1].
  public var noise: Double?
  /// ε of LRP.
  public var epsilon: Double?
  /// Which form of MASK: `v1` or `v2`.
  public var maskVersion: String?
  /// What the attack on MASK differentiates through: `detached` or `full`.
  public var lookahead: String?
  /// Steps of the mask that the attack on MASK looks ahead.
  public var lookaheadSteps: Int?
  /// The derivative of ReLU in an attack's loss where that holds derivatives: `smoothed`, `plain`, `sigmoid` or
  /// `softplus:SHARPNESS`.
  public var surrogate: String?
  /// What the map of each of several interpreters weighs in the loss of an attack: `cam=40,grad=30`.
  public var weights: String?

  public init() {}

  /// An option with what it is, given or by default.
  public struct Entry: Sendable {
    /// On the command line.
    public let name: String
    public let value: String
    public let isGiven: Bool
    /// The interpreters that have it; nil for an option of several at once.
    let interpreters: [String]?

    init(_ name: String, _ given: String?, otherwise: String, _ interpreters: [String]?) {
      self.name = name
      value = given ?? otherwise
      isGiven = given != nil
      self.interpreters = interpreters
    }
  }

  /// Of all interpreters.
  public var entries: [Entry] {
    [
      Entry("rts-weights", rtsWeights, otherwise: "none", ["rts"]),
      Entry("rts-input", rtsInput, otherwise: "doubled", ["rts"]),
      Entry("cam-weights", camWeights, otherwise: "class", ["cam"]),
      Entry("layer", layer, otherwise: "last", ["grad-cam"]),
      Entry("layer-weights", layerWeights, otherwise: "constant", ["grad-cam"]),
      Entry("baseline", baseline, otherwise: "0", ["deeplift", "ig"]),
      Entry("samples", samples.map { "\($0)" }, otherwise: "50", ["ig", "smoothgrad"]),
      Entry("noise", noise.map { "\($0)" }, otherwise: "0.15", ["smoothgrad"]),
      Entry("epsilon", epsilon.map { "\($0)" }, otherwise: "0.0001", ["lrp"]),
      Entry("mask-version", maskVersion, otherwise: "v2", ["mask"]),
      Entry("lookahead", lookahead, otherwise: "detached", ["mask"]),
      Entry("lookahead-steps", lookaheadSteps.map { "\($0)" }, otherwise: "\(MaskPrograms.lookaheadSteps)", ["mask"]),
      Entry("surrogate", surrogate, otherwise: "smoothed", Self.differentiatedTwice),
      Entry("weights", weights, otherwise: "balanced", nil),
    ]
  }

  /// Those whose attack takes derivatives of derivatives.
  private static let differentiatedTwice = InterpreterChoice.names.filter { !["cam", "mask", "rts"].contains($0) }

  /// The options of an interpreter.
  /// - Parameter interpreter: one, or several with commas between them.
  public func entries(of interpreter: String) -> [Entry] {
    let names = interpreter.split(separator: ",").map(String.init)
    return entries.filter { entry in
      entry.interpreters.map { names.contains(where: $0.contains) } ?? (names.count > 1)
    }
  }

  /// - Throws: `UsageError` for an option that the interpreter does not have, or a value that it does not accept.
  func check(for interpreter: String) throws(UsageError) {
    for entry in entries where entry.isGiven && !entries(of: interpreter).contains(where: { $0.name == entry.name }) {
      let owners = entry.interpreters.map { "--interpreter " + $0.joined(separator: " or ") } ?? "several interpreters"
      throw UsageError("--\(entry.name) goes with \(owners), not with \(interpreter)")
    }
    _ = try givenWeights(of: interpreter)
    _ = try channelWeights()
    _ = try classWeights()
    _ = try encoderInput()
    _ = try version()
    _ = try lookaheadDerivatives()
    _ = try surrogateDerivative()
    if surrogate != nil, interpreter.split(separator: ",").contains("grad-cam"), try channelWeights() == .constant {
      throw UsageError("--surrogate goes with --layer-weights differentiated, not with constant weights of grad-cam")
    }
    guard (0...16).contains(lookaheadStepCount) else {
      throw UsageError("--lookahead-steps is \(lookaheadStepCount); 0 to 16 are accepted")
    }
    _ = try baselineImage()
    if let samples, !(1...4096).contains(samples) {
      throw UsageError("--samples is \(samples); 1 to 4096 are accepted")
    }
    if let noise, !(0...1).contains(noise) { throw UsageError("--noise is \(noise); 0 to 1 are accepted") }
    if let epsilon, !(epsilon > 0) || !epsilon.isFinite {
      throw UsageError("--epsilon is \(epsilon); more than 0 is accepted")
    }
  }

  /// The weights in the order of the interpreters but MASK, whose steps go their own way; nil unless they were given.
  /// - Throws: `UsageError` unless every interpreter, and no other, has a weight.
  func givenWeights(of interpreter: String) throws(UsageError) -> [Double]? {
    guard let weights else { return nil }
    var given: [String: Double] = [:]
    for entry in weights.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = entry.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, let weight = Double(parts[1]), weight >= 0, weight.isFinite,
        given.updateValue(weight, forKey: parts[0]) == nil
      else { throw UsageError("--weights is '\(weights)'; such as 'cam=40,grad=30' is accepted") }
    }
    let names = interpreter.split(separator: ",").map(String.init).filter { $0 != "mask" }
    guard Set(names) == Set(given.keys) else {
      throw UsageError("--weights is '\(weights)'; one weight for each of \(names.joined(separator: ", ")) is accepted")
    }
    return names.compactMap { given[$0] }
  }

  func version() throws(UsageError) -> MaskVersion {
    guard let maskVersion else { return .v2 }
    guard let version = MaskVersion(rawValue: maskVersion) else {
      throw UsageError("there is no MASK '\(maskVersion)'; v1 and v2 are known")
    }
    return version
  }

  /// - Throws: `UsageError` for another word.
  public func lookaheadDerivatives() throws(UsageError) -> MaskPrograms.Lookahead {
    guard let lookahead else { return .detached }
    guard let derivatives = MaskPrograms.Lookahead(rawValue: lookahead) else {
      throw UsageError("there is no lookahead '\(lookahead)'; detached and full are known")
    }
    return derivatives
  }

  /// - Throws: `UsageError` for another word.
  func surrogateDerivative() throws(UsageError) -> KinkDerivative {
    guard let surrogate else { return .smoothed }
    let derivative = try derivative(named: surrogate)
    guard derivative != .guided else {
      throw UsageError("--surrogate guided has no derivative of its own; plain, smoothed, sigmoid and softplus have")
    }
    return derivative
  }

  public var lookaheadStepCount: Int { lookaheadSteps ?? MaskPrograms.lookaheadSteps }
  var sampleCount: Int { samples ?? 50 }

  /// - Parameter channels: of the images, where they are known.
  /// - Throws: `UsageError` for anything but one number in [0, 1] or one for each channel.
  func baselineImage(channels: Int? = nil) throws(UsageError) -> Baseline {
    guard let baseline else { return .black }
    let values = baseline.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    let accepted = values.compactMap(\.self).filter((0...1).contains)
    guard accepted.count == values.count, channels.map({ [1, $0].contains(values.count) }) ?? true else {
      let colour = channels.map { $0 == 1 ? "" : ", or \($0) of them with commas between" } ?? ""
      throw UsageError("--baseline is '\(baseline)'; a number from 0 to 1 is accepted\(colour)")
    }
    return Baseline(accepted)
  }

  var featureLayer: FeatureLayer {
    guard let layer else { return .last }
    let sides = layer.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    if sides.count == 2, let height = sides[0], let width = sides[1] { return .size(height: height, width: width) }
    return .node(layer)
  }

  /// - Throws: `UsageError` for another word.
  func encoderInput() throws(UsageError) -> RealTimeSaliency.Input {
    guard let rtsInput else { return .doubled }
    guard let input = RealTimeSaliency.Input(rawValue: rtsInput) else {
      throw UsageError("there is no input of rts '\(rtsInput)'; doubled and imagenet are known")
    }
    return input
  }

  func classWeights() throws(UsageError) -> ClassActivationMap.Weights {
    guard let camWeights else { return .own }
    guard let weights = ClassActivationMap.Weights(rawValue: camWeights) else {
      throw UsageError("there are no CAM weights '\(camWeights)'; class and margin are known")
    }
    return weights
  }

  func channelWeights() throws(UsageError) -> GradientClassActivationMap.Weights {
    guard let layerWeights else { return .constant }
    guard let weights = GradientClassActivationMap.Weights(rawValue: layerWeights) else {
      throw UsageError("there are no channel weights '\(layerWeights)'; constant and differentiated are known")
    }
    return weights
  }
}

extension InterpreterChoice {
  /// The value that an option of this interpreter has; nil for an option of another.
  public func value(ofOption name: String) -> String? {
    options.entries(of: self.name).first { $0.name == name }?.value
  }
}
