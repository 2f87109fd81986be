import Attacks
import Interpreters

/// What the interpreters beside CAM and GRAD can be asked for, in the words of the command line; nil is the default.
public struct InterpreterOptions: Sendable, Codable, Equatable {
  /// The feature map of Grad-CAM: an ONNX node, or the last of a size such as `14x14`.
  public var layer: String?
  /// How the channel weights of Grad-CAM enter an attack: `constant` or `differentiated`.
  public var layerWeights: String?
  /// Which form of MASK: `v1` or `v2`.
  public var maskVersion: String?
  /// What the attack on MASK differentiates through: `detached` or `full`.
  public var lookahead: String?

  public init(
    layer: String? = nil, layerWeights: String? = nil, maskVersion: String? = nil, lookahead: String? = nil
  ) {
    self.layer = layer
    self.layerWeights = layerWeights
    self.maskVersion = maskVersion
    self.lookahead = lookahead
  }

  /// - Throws: `UsageError` for an option that the interpreter does not have.
  func check(for interpreter: String) throws(UsageError) {
    let owned = [
      ("layer", layer, ["grad-cam"]), ("layer-weights", layerWeights, ["grad-cam"]),
      ("mask-version", maskVersion, ["mask"]), ("lookahead", lookahead, ["mask"]),
    ]
    for (option, value, owners) in owned
    where value != nil && !owners.contains(interpreter) {
      throw UsageError("--\(option) goes with --interpreter \(owners.joined(separator: " or ")), not with \(interpreter)")
    }
    _ = try channelWeights()
    _ = try version()
    _ = try lookaheadDerivatives()
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

  var featureLayer: FeatureLayer {
    guard let layer else { return .last }
    let sides = layer.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    if sides.count == 2, let height = sides[0], let width = sides[1] { return .size(height: height, width: width) }
    return .node(layer)
  }

  func channelWeights() throws(UsageError) -> GradientClassActivationMap.Weights {
    guard let layerWeights else { return .constant }
    guard let weights = GradientClassActivationMap.Weights(rawValue: layerWeights) else {
      throw UsageError("there are no channel weights '\(layerWeights)'; constant and differentiated are known")
    }
    return weights
  }

  /// The options of one interpreter.
  public func words(of interpreter: String) -> [(name: String, value: String)] {
    let own =
      interpreter == "mask" ? ["mask-version", "lookahead"] : interpreter == "grad-cam" ? ["layer", "layer-weights"] : []
    return words.filter { own.contains($0.name) }
  }

  /// Every option by its name on the command line, with what stands for the default.
  public var words: [(name: String, value: String)] {
    [
      ("layer", layer ?? "last"), ("layer-weights", layerWeights ?? "constant"),
      ("mask-version", maskVersion ?? "v2"), ("lookahead", lookahead ?? "detached"),
    ]
  }
}
