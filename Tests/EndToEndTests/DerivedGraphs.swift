import Autodiff
import IR
import Interpreters
import ONNX
import Operators
import Passes
import TensorTypes

extension Graph {
  /// The graph with logits as its output in place of a trailing softmax of them.
  func endingInLogits() -> Graph {
    let output = outputs[0]
    let logits = operandOfSoftmax(output.value)?.x ?? output.value
    return Graph(name: name, nodes: nodes, inputs: inputs, outputs: [Output(name: output.name, value: logits)])
  }
}

/// logits, the gradient of Σ −log p_target and its Hessian-vector product along v, of an imported model, ready to run.
func secondOrderGraph(_ model: Graph) throws -> Graph {
  let prepared = try Pipeline.prepare(model.endingInLogits())
  let builder = GraphBuilder(continuing: prepared)
  let x = prepared.inputs[0]
  let scores = prepared.outputs[0].value
  let target = builder.input("target", TensorType(.int64, [builder.shape(of: scores)[0]]))
  let direction = builder.input("v", builder.type(of: x))
  let chosen = try builder.append(Take(batchRank: 1), [try builder.logSoftmax(scores, axes: [1]), target])
  let loss = try builder.elementwise(.negate, chosen)
  let one = try builder.broadcast(builder.scalar(1), to: builder.shape(of: loss))
  let gradient = try builder.pullback([(loss, one)], to: [x])[0]
  guard let product = try builder.pushforward([gradient], along: [x: direction])[0] else {
    throw TypeError("hessianVectorProduct", "the gradient does not depend on the input", [])
  }
  let derived = builder.finish(
    name: "derivatives", outputs: [("logits", scores), ("gradient", gradient), ("hvp", product)])
  return try Pipeline.simplify(derived)
}
