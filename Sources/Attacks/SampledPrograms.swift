import Autodiff
import IR
import Interpreters
import Operators
import TensorTypes

/// The graphs of an interpreter that averages gradients over samples, and of a step against it. `SampledRunner` runs them.
///
/// A sample is the image scale · x + offset, with offset f32[C, H, W]; what is summed over samples goes in and comes out,
/// f32[B, C, H, W].
///
/// - `sample`, `stepSample`: x, class, scale, offset, weight, total → total + weight · gradient; the latter's through the
///   network with the derivative of an attack.
/// - `map`: x, class, total → map, low, extent, probabilities, and `sum` f32[B] of the attributions.
/// - `mapGradient`: x, total, mapTarget, coefficient → mapLoss f32[B], and the derivatives of coefficient · mapLoss:
///   `cotangent` with respect to total, `gradient` with respect to x beside total.
/// - `samplePull`: x, class, scale, offset, weight, cotangent, gradient → gradient + what the sample adds to it.
/// - `step`: that of `AttackPrograms` with the map's gradient as an input.
public enum SampledPrograms {
  public static let sampleName = "sample", stepSampleName = "stepSample", mapGradientName = "mapGradient"
  public static let samplePullName = "samplePull"

  public static func sample(_ interpreter: SampledGradient) throws(TypeError) -> Graph {
    try sample(interpreter, .plain, name: sampleName)
  }

  public static func stepSample(_ interpreter: SampledGradient) throws(TypeError) -> Graph {
    try sample(interpreter, interpreter.derivative, name: stepSampleName)
  }

  private static func sample(_ interpreter: SampledGradient, _ derivative: KinkDerivative, name: String)
    throws(TypeError) -> Graph
  {
    let builder = GraphBuilder()
    let inputs = try SampleInputs(builder, interpreter)
    let total = builder.input("total", builder.type(of: inputs.x))
    let gradient = try interpreter.appendGradient(
      at: inputs.image, ofClasses: inputs.classes, derivative: derivative, to: builder)
    let sum = try builder.add(total, try builder.multiply(gradient, inputs.weight))
    return builder.finish(name: name, outputs: [("total", sum)])
  }

  public static func map(_ interpreter: SampledGradient) throws(TypeError) -> Graph {
    let (builder, logits) = try AttackPrograms.continuing(interpreter.network)
    let x = builder.inputs[0]
    _ = builder.input("class", TensorType(.int64, [builder.shape(of: logits)[0]]))
    let total = builder.input("total", builder.type(of: x))
    let attribution = try interpreter.appendAttribution(total, x: x, to: builder)
    let map = try interpreter.appendMap(of: attribution, to: builder)
    return builder.finish(
      name: AttackPrograms.mapName,
      outputs: [
        ("map", map.normalised), ("low", map.low), ("extent", map.extent),
        ("probabilities", try builder.softmax(logits, axes: [1])), ("sum", try builder.sum(attribution, axes: [1, 2, 3])),
      ])
  }

  public static func mapGradient(_ interpreter: SampledGradient, _ objective: StepObjective) throws(TypeError) -> Graph {
    let builder = GraphBuilder()
    let type = interpreter.network[interpreter.network.inputs[0]].type
    let x = builder.input("x", type)
    let total = builder.input("total", type)
    let mapTarget = builder.input("mapTarget", TensorType(.float32, interpreter.mapShape))
    let coefficient = builder.input("coefficient", TensorType(.float32, .scalar))
    let attribution = try interpreter.appendAttribution(total, x: x, to: builder)
    let map = try interpreter.appendMap(of: attribution, to: builder)
    let loss = try builder.mapLoss(map.normalised, target: mapTarget, objective.mapReduction)
    let derivatives = try builder.pullback(
      [(loss, try builder.broadcast(coefficient, to: builder.shape(of: loss)))], to: [total, x])
    return builder.finish(
      name: mapGradientName, outputs: [("mapLoss", loss), ("cotangent", derivatives[0]), ("gradient", derivatives[1])])
  }

  public static func samplePull(_ interpreter: SampledGradient) throws(TypeError) -> Graph {
    let builder = GraphBuilder()
    let inputs = try SampleInputs(builder, interpreter)
    let cotangent = builder.input("cotangent", builder.type(of: inputs.x))
    let gradient = builder.input("gradient", builder.type(of: inputs.x))
    let own = try interpreter.appendGradient(
      at: inputs.image, ofClasses: inputs.classes, derivative: interpreter.derivative, to: builder)
    let pulled = try builder.pullback([(own, try builder.multiply(cotangent, inputs.weight))], to: [inputs.x])[0]
    return builder.finish(name: samplePullName, outputs: [("gradient", try builder.add(gradient, pulled))])
  }

  public static func step(_ interpreter: SampledGradient, _ objective: StepObjective) throws(TypeError) -> Graph {
    let (builder, logits) = try AttackPrograms.continuing(interpreter.network)
    let inputs = try StepInputs(builder, logits)
    let ofTheMap = builder.input("gradient", builder.type(of: inputs.x))
    let crossEntropy = try AttackPrograms.crossEntropy(logits, inputs, objective, in: builder)
    let (own, evasionLoss) = try builder.gradient(
      of: [(crossEntropy, try builder.ones(like: crossEntropy))], at: inputs.x, objective, network: interpreter.network,
      logits: logits)
    let next = try inputs.step(against: try builder.add(own, ofTheMap), objective.norm, in: builder)
    var outputs = [("next", next), ("crossEntropy", crossEntropy)]
    if let evasionLoss { outputs.append(("evasionLoss", evasionLoss)) }
    return builder.finish(name: AttackPrograms.stepName, outputs: outputs)
  }
}

private struct SampleInputs {
  let x, classes, weight: Value
  /// scale · x + offset
  let image: Value

  init(_ builder: GraphBuilder, _ interpreter: SampledGradient) throws(TypeError) {
    let type = interpreter.network[interpreter.network.inputs[0]].type
    let scalar = TensorType(.float32, .scalar)
    x = builder.input("x", type)
    classes = builder.input("class", TensorType(.int64, [type.shape[0]]))
    let scale = builder.input("scale", scalar)
    let offset = builder.input("offset", TensorType(.float32, Shape(Array(type.shape.extents.dropFirst()))))
    weight = builder.input("weight", scalar)
    image = try builder.add(
      try builder.multiply(x, scale), try builder.broadcast(offset, to: type.shape, axes: [1, 2, 3]))
  }
}
