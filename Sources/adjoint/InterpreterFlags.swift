import Adjoint
import ArgumentParser

/// What some interpreters can be asked for.
struct InterpreterFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The trained weights of rts, a safetensors or ONNX file, without which it draws nothing.", valueName: "file"))
  var rtsWeights: String?

  @Option(help: "How pixels become the input of rts: doubled (taken for models), 4 (x - 0.5), or imagenet, normalised.")
  var rtsInput: String?

  @Option(help: "The weights of cam: those of the class (taken for models), or, of two classes, margin: less the other's.")
  var camWeights: String?

  @Option(
    help: ArgumentHelp(
      "The feature map of grad-cam: an ONNX node, or the last of a size; otherwise the one CAM takes, or the last.",
      valueName: "node|14x14"))
  var layer: String?

  @Option(
    help: "How the channel weights of grad-cam enter an attack: constant (taken for models), or differentiated.")
  var layerWeights: String?

  @Option(
    help: ArgumentHelp(
      "The colour that deeplift and ig compare with: a value from 0 (taken for models) to 1, or one for each channel.",
      valueName: "0.485,0.456,0.406"))
  var baseline: String?

  @Option(help: "Gradients that ig and smoothgrad average (50).") var samples: Int?

  @Option(help: "The standard deviation of the noise of smoothgrad, for pixels in [0, 1] (0.15).") var noise: Double?

  @Option(help: "What keeps the quotients of lrp finite (0.0001).")
  var epsilon: Double?

  @Option(help: "The form of mask: v2 (taken for models), or v1, without jitter and without blurring the mask.")
  var maskVersion: String?

  @Option(
    help: "What the attack on mask differentiates through: detached (taken for models: moments alone), or full (masks too).")
  var lookahead: String?

  @Option(help: "Steps that the attack on mask looks ahead (4); with 0 the map has no say in where the image moves.")
  var lookaheadSteps: Int?

  @Option(
    help: ArgumentHelp(
      """
      The derivative of ReLU in an attack on a map of derivatives: smoothed (taken for models: h of the paper), plain (r, \
      the step), sigmoid or softplus:SHARPNESS.
      """, valueName: "derivative"))
  var surrogate: String?

  @Option(
    help: ArgumentHelp(
      "What each of several interpreters' maps weighs in the loss (balanced: cam=30,grad=58.8 for images of 224 x 224).",
      valueName: "cam=40,grad=30"))
  var weights: String?

  var options: InterpreterOptions {
    var options = InterpreterOptions()
    options.rtsWeights = rtsWeights
    options.rtsInput = rtsInput
    options.camWeights = camWeights
    options.layer = layer
    options.layerWeights = layerWeights
    options.baseline = baseline
    options.samples = samples
    options.noise = noise
    options.epsilon = epsilon
    options.maskVersion = maskVersion
    options.lookahead = lookahead
    options.lookaheadSteps = lookaheadSteps
    options.surrogate = surrogate
    options.weights = weights
    return options
  }

  /// The options that were given, as `FileOptions.artifact` compares them with an artifact.
  var repeated: [(name: String, value: String?, recorded: (ModelFacts) -> String?)] {
    options.entries.map { entry in
      (
        entry.name, entry.isGiven ? entry.value : nil,
        { facts in facts.map.map { $0.interpreter.value(ofOption: entry.name) ?? "another interpreter" } }
      )
    }
  }
}

/// The interpreters, as help lists them.
let interpreterNames = InterpreterChoice.names.joined(separator: ", ")
