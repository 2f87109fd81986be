import Operators

/// The derivative of ReLU, Clip and LeakyRelu that a word on the command line means: `plain`, `smoothed`, `sigmoid`,
/// `softplus:SHARPNESS` or `guided`.
func derivative(named word: String) throws(UsageError) -> KinkDerivative {
  switch word {
  case "plain": return .plain
  case "smoothed": return .smoothed
  case "sigmoid": return .sigmoid
  case "guided": return .guided
  default:
    let parts = word.split(separator: ":", omittingEmptySubsequences: false)
    if parts.count == 2, parts[0] == "softplus", let sharpness = Double(parts[1]), sharpness > 0, sharpness.isFinite {
      return .softplus(sharpness: sharpness)
    }
    throw UsageError(
      "there is no derivative '\(word)'; plain, smoothed, sigmoid, softplus:SHARPNESS with a positive number, and guided "
        + "are known")
  }
}
