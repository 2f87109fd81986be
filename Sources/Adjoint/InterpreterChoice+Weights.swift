import Arrays
import Hashing
import Interpreters
import ONNX
import TensorTypes

extension InterpreterChoice {
  /// With the hash of the weights that its file holds now.
  /// - Throws: `FileError` when it cannot be read.
  func identified() throws(FileError) -> InterpreterChoice {
    guard let path = options.rtsWeights else { return self }
    var choice = self
    choice.options.rtsWeightsSHA256 = SHA256.hexDigest(of: try readBytes(path))
    return choice
  }

  /// - Throws: `UsageError` without a file of weights, `ArrayFileError`, `FileError`, `InterpreterError`.
  func realTimeSaliency(for classifier: Classifier) throws -> RealTimeSaliency {
    guard let path = options.rtsWeights else { throw Self.needsWeights }
    let tensors = path.hasSuffix(".onnx") ? try initialisers(path) : try Safetensors.read(path: path)
    return try RealTimeSaliency(
      classifier, weights: NamedWeights(source: path, tensors), input: try options.encoderInput())
  }

  private func initialisers(_ path: String) throws(ModelError) -> [(name: String, tensor: HostTensor)] {
    do { return try importInitialisers(path: path) } catch { throw ModelError(path: path, cause: error) }
  }

  static let needsWeights = UsageError(
    "rts needs weights: --rts-weights FILE names a safetensors or ONNX file of a trained encoder, selector and masking model"
  )
}
