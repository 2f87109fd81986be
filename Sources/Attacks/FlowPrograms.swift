import Autodiff
import IR
import Interpreters
import Operators
import TensorTypes

/// The graphs of an attack that moves pixels instead of changing them (stAdv, Xiao et al. 2018).
///
/// - `warp`: x (the original), flow f32[B, 2, H, W] → warped.
/// - `flowStep`: x, origin, flow, target i64[B], smoothness, the numbers and the state of ``AMSGrad`` → next.flow, next.x, the
///   next state, crossEntropy f32[B] and flowLoss f32[B], both ahead of the step.
/// - `flowMapStep`: also mapTarget f32[B, h, w], crossEntropyWeight and coefficient → also mapLoss f32[B]; of an interpreter
///   whose map is no part of one graph, gradient f32[B, C, H, W] in place of mapTarget and coefficient, that of the map's loss
///   with respect to x, and of MASK among others both. Against MASK alone clampedMargin stands in place of the cross entropy, and
///   marginFloor in place of its weight.
///
/// x is what `warp` or the step before makes of origin and flow: the network is differentiated with respect to its pixels,
/// and the warp takes the derivative from them to the flow.
public enum FlowPrograms {
  public static let warpName = "warp", stepName = "flowStep", mapStepName = "flowMapStep"

  /// The image that a flow makes.
  /// - Parameter imageShape: [B, C, H, W]
  public static func warp(imageShape: Shape) throws(TypeError) -> Graph {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, imageShape))
    let flow = builder.input("flow", TensorType(.float32, flowShape(imageShape)))
    return builder.finish(
      name: warpName,
      outputs: [("warped", try builder.bilinearWarp(x, flow: flow))])
  }

  /// A step against cross entropy + smoothness · flow loss.
  /// - Parameter network: from `x` to `logits`.
  public static func step(of network: Graph) throws(TypeError) -> Graph {
    let (builder, logits) = try AttackPrograms.continuing(network)
    let inputs = try FlowInputs(builder, logits)
    let crossEntropy = try builder.crossEntropy(logits, target: inputs.target)
    return try inputs.finish(
      name: stepName, losses: [("crossEntropy", crossEntropy, try builder.ones(like: crossEntropy))], in: builder)
  }

  /// A step against crossEntropyWeight · cross entropy + coefficient · map loss + smoothness · flow loss.
  /// - Parameter takesGradient: whether the gradient of a further map's loss is an input.
  public static func mapStep(_ interpreter: any Interpreter, _ objective: StepObjective, takesGradient: Bool = false)
    throws(TypeError) -> Graph
  {
    let (builder, logits) = try AttackPrograms.continuing(interpreter.network)
    let inputs = try FlowInputs(builder, logits)
    let mapTarget = builder.input("mapTarget", TensorType(.float32, interpreter.mapShape))
    let coefficient = builder.input("coefficient", TensorType(.float32, .scalar))
    let crossEntropy = try inputs.weightedCrossEntropy(logits, in: builder)
    let map = try interpreter.appendDifferentiableMap(ofClasses: inputs.target, to: builder)
    let mapLoss = try builder.mapLoss(map.normalised, target: mapTarget, of: interpreter, objective)
    var losses = [
      crossEntropy, ("mapLoss", mapLoss, try builder.broadcast(coefficient, to: builder.shape(of: mapLoss))),
    ]
    if let encoder = try builder.encoderLoss(of: interpreter, target: inputs.target) {
      losses.append(("encoderLoss", encoder.loss, encoder.weight))
    }
    return try inputs.finish(name: mapStepName, losses: losses, takesGradient: takesGradient, in: builder)
  }

  /// A step against crossEntropyWeight · cross entropy + smoothness · flow loss and a map whose gradient is an input.
  /// - Parameter network: from `x` to `logits`.
  public static func mapStep(of network: Graph) throws(TypeError) -> Graph {
    let (builder, logits) = try AttackPrograms.continuing(network)
    let inputs = try FlowInputs(builder, logits)
    return try inputs.finish(
      name: mapStepName, losses: [try inputs.weightedCrossEntropy(logits, in: builder)], takesGradient: true, in: builder)
  }

  /// A step against max(margin, marginFloor) + smoothness · flow loss and MASK, whose gradient is an input.
  public static func mapStep(_ interpreter: MaskInterpreter) throws(TypeError) -> Graph {
    let (builder, logits) = try AttackPrograms.continuing(interpreter.network)
    let inputs = try FlowInputs(builder, logits)
    let margin = try builder.margin(logits, target: inputs.target)
    let floor = builder.input("marginFloor", TensorType(.float32, .scalar))
    let clamped = try builder.elementwise(.maximum, margin, try builder.broadcast(floor, to: builder.shape(of: margin)))
    return try inputs.finish(
      name: mapStepName, losses: [("clampedMargin", clamped, try builder.ones(like: clamped))], takesGradient: true,
      in: builder)
  }

  static func flowShape(_ imageShape: Shape) -> Shape { [imageShape[0], 2, imageShape[2], imageShape[3]] }
}

/// The inputs that both steps share.
private struct FlowInputs {
  let x, origin, flow, target, smoothness: Value

  init(_ builder: GraphBuilder, _ logits: Value) throws(TypeError) {
    guard let x = builder.inputs.first else { throw TypeError("flow", "the network lacks its input x", []) }
    self.x = x
    let image = builder.type(of: x)
    origin = builder.input("origin", image)
    flow = builder.input("flow", TensorType(image.element, FlowPrograms.flowShape(image.shape)))
    target = builder.input("target", TensorType(.int64, [builder.shape(of: logits)[0]]))
    smoothness = builder.input("smoothness", TensorType(.float32, .scalar))
  }

  func weightedCrossEntropy(_ logits: Value, in builder: GraphBuilder) throws(TypeError) -> (String, Value, Value) {
    let weight = builder.input("crossEntropyWeight", TensorType(.float32, .scalar))
    let crossEntropy = try builder.crossEntropy(logits, target: target)
    return ("crossEntropy", crossEntropy, try builder.broadcast(weight, to: builder.shape(of: crossEntropy)))
  }

  /// The step of the flow, and the image that it makes.
  /// - Parameter takesGradient: whether a further gradient with respect to x is an input.
  func finish(
    name: String, losses: [(name: String, value: Value, weight: Value)], takesGradient: Bool = false,
    in builder: GraphBuilder
  ) throws(TypeError) -> Graph {
    let flowLoss = try builder.flowLoss(flow)
    let warped = try builder.bilinearWarp(origin, flow: flow)
    var ofPixels = try builder.pullback(losses.map { ($0.value, $0.weight) }, to: [x])[0]
    if takesGradient { ofPixels = try builder.add(ofPixels, builder.input("gradient", builder.type(of: x))) }
    let gradient = try builder.pullback(
      [
        (warped, ofPixels), (flowLoss, try builder.broadcast(smoothness, to: builder.shape(of: flowLoss))),
      ], to: [flow])[0]
    let (next, state) = try builder.appendAMSGrad(flow, gradient: gradient)
    return builder.finish(
      name: name,
      outputs: [("next.flow", next), ("next.x", try builder.bilinearWarp(origin, flow: next))] + state
        + losses.map { ($0.name, $0.value) } + [("flowLoss", flowLoss)])
  }
}
