import Attacks
import Autodiff
import IR
import Interpreters
import ONNX
import Operators
import Passes
import TensorTypes
import Testing

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

/// One step of ADV² against GRAD with the gradients of its losses in place of its sign step, ready to run.
///
/// x, target, mapTarget → map of the network as it is, crossEntropy with probability 0.97 for the target, mapLoss summed over
/// the map with derivative h, and the gradients of crossEntropy + 0.05 · mapLoss and of mapLoss.
func gradientMapStepGraph(_ classifier: Interpreters.Classifier) throws -> Graph {
  var interpreter = GradientMap(classifier)
  interpreter.network = try Pipeline.prepare(interpreter.network)
  let builder = GraphBuilder(continuing: interpreter.network)
  let x = interpreter.network.inputs[0]
  let images: Shape = [classifier.batch]
  let logits = try #require(interpreter.network.output(named: "logits"))
  let target = builder.input("target", TensorType(.int64, images))
  let mapTarget = builder.input("mapTarget", TensorType(.float32, interpreter.mapShape))
  let map = try interpreter.appendMap(ofClasses: target, to: builder)
  let crossEntropy = try builder.crossEntropy(
    logits, target: target, probability: try builder.broadcast(builder.scalar(0.97), to: images))
  let mapLoss = try builder.mapLoss(
    try interpreter.appendDifferentiableMap(ofClasses: target, to: builder).normalised, target: mapTarget, .sum)
  let one = try builder.broadcast(builder.scalar(1), to: images)
  let weight = try builder.broadcast(builder.scalar(0.05), to: images)
  let gradient = try builder.pullback([(crossEntropy, one), (mapLoss, weight)], to: [x])[0]
  let own = try builder.pullback([(mapLoss, one)], to: [x])[0]
  return try Pipeline.simplify(
    builder.finish(
      name: "step",
      outputs: [
        ("map", map.normalised), ("crossEntropy", crossEntropy), ("mapLoss", mapLoss), ("gradient", gradient),
        ("mapLossGradient", own),
      ]))
}

/// The Hessian of Σ −log p_target along v, both derivatives of ReLU and Clip being those of h: x, target, v → hvp.
func smoothedProductGraph(_ classifier: Interpreters.Classifier) throws -> Graph {
  let network = try SubstituteDerivatives(all: .smoothed).run(try Pipeline.prepare(classifier.graph))
  let builder = GraphBuilder(continuing: network)
  let logits = try #require(network.output(named: "logits"))
  let x = network.inputs[0]
  let target = builder.input("target", TensorType(.int64, [classifier.batch]))
  let direction = builder.input("v", builder.type(of: x))
  let loss = try builder.crossEntropy(logits, target: target)
  let one = try builder.broadcast(builder.scalar(1), to: builder.shape(of: loss))
  let gradient = try builder.pullback([(loss, one)], to: [x])[0]
  let product = try #require(try builder.pushforward([gradient], along: [x: direction])[0])
  return try Pipeline.simplify(builder.finish(name: "smoothedProduct", outputs: [("hvp", product)]))
}
