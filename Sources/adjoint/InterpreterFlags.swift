import Adjoint
import ArgumentParser

/// What the interpreters beside CAM and GRAD can be asked for.
struct InterpreterFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The feature map of grad-cam: an ONNX node, or the last of a size; otherwise the one CAM takes, or the last.",
      valueName: "node|14x14"))
  var layer: String?

  @Option(
    help: "How the channel weights of grad-cam enter an attack: constant (taken for models), or differentiated.")
  var layerWeights: String?

  @Option(help: "The form of mask: v2 (taken for models), or v1, without jitter and without blurring the mask.")
  var maskVersion: String?

  @Option(
    help: "What the attack on mask differentiates through: detached (taken for models: moments alone), or full (masks too).")
  var lookahead: String?

  var options: InterpreterOptions {
    InterpreterOptions(layer: layer, layerWeights: layerWeights, maskVersion: maskVersion, lookahead: lookahead)
  }

  /// The options that were given, as `FileOptions.artifact` compares them with an artifact.
  var repeated: [(name: String, value: String?, recorded: (ModelFacts) -> String?)] {
    let given = [layer, layerWeights, maskVersion, lookahead]
    return zip(options.words, given).map { words, value in
      (words.name, value, { facts in facts.map?.interpreter.options.words.first { $0.name == words.name }?.value })
    }
  }
}
