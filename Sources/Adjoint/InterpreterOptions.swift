import Interpreters

/// What the interpreters beside CAM and GRAD can be asked for, in the words of the command line; nil is the default.
public struct InterpreterOptions: Sendable, Codable, Equatable {
  /// The feature map of Grad-CAM: an ONNX node, or the last of a size such as `14x14`.
  public var layer: String?
  /// How the channel weights of Grad-CAM enter an attack: `constant` or `differentiated`.
  public var layerWeights: String?

  public init(layer: String? = nil, layerWeights: String? = nil) {
    self.layer = layer
    self.layerWeights = layerWeights
  }

  /// - Throws: `UsageError` for an option that the interpreter does not have.
  func check(for interpreter: String) throws(UsageError) {
    for (option, value, owners) in [("layer", layer, ["grad-cam"]), ("layer-weights", layerWeights, ["grad-cam"])]
    where value != nil && !owners.contains(interpreter) {
      throw UsageError("--\(option) goes with --interpreter \(owners.joined(separator: " or ")), not with \(interpreter)")
    }
    _ = try channelWeights()
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

  /// Every option by its name on the command line, with what stands for the default.
  public var words: [(name: String, value: String)] {
    [("layer", layer ?? "last"), ("layer-weights", layerWeights ?? "constant")]
  }
}
