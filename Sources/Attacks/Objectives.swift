import IR
import Operators
import TensorTypes

// Losses of an attack, one number for each image: nothing in a batch influences another image.
extension GraphBuilder {
  /// −log p[b, target[b]], f32[B], from logits [B, N].
  public func crossEntropy(_ logits: Value, target: Value) throws(TypeError) -> Value {
    let logProbabilities = try logSoftmax(logits, axes: [1])
    return try elementwise(.negate, try append(Take(batchRank: 1), [logProbabilities, target]))
  }

  /// The mean over all places of (map − target)², f32[B].
  func mapLoss(_ map: Value, target: Value) throws(TypeError) -> Value {
    let difference = try subtract(map, target)
    return try mean(try multiply(difference, difference), axes: [1, 2])
  }
}
