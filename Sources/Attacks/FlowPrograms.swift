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
/// - `flowMapStep`: also mapTarget f32[B, h, w], crossEntropyWeight and coefficient → also mapLoss f32[B].
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
  public static func step(_ interpreter: any Interpreter) throws(TypeError) -> Graph {
    let (builder, logits) = try AttackPrograms.continuing(interpreter.network)
    let inputs = try FlowInputs(builder, logits)
    let crossEntropy = try builder.crossEntropy(logits, target: inputs.target)
    return try inputs.finish(
      name: stepName, losses: [("crossEntropy", crossEntropy, try builder.ones(like: crossEntropy))], in: builder)
  }

  /// A step against crossEntropyWeight · cross entropy + coefficient · map loss + smoothness · flow loss.
  public static func mapStep(_ interpreter: any Interpreter, _ objective: StepObjective) throws(TypeError) -> Graph {
    let (builder, logits) = try AttackPrograms.continuing(interpreter.network)
    let inputs = try FlowInputs(builder, logits)
    let mapTarget = builder.input("mapTarget", TensorType(.float32, interpreter.mapShape))
    let crossEntropyWeight = builder.input("crossEntropyWeight", TensorType(.float32, .scalar))
    let coefficient = builder.input("coefficient", TensorType(.float32, .scalar))
    let crossEntropy = try builder.crossEntropy(logits, target: inputs.target)
    let map = try interpreter.appendDifferentiableMap(ofClasses: inputs.target, to: builder)
    let mapLoss = try builder.mapLoss(map.normalised, target: mapTarget, objective.mapReduction)
    func weight(_ scalar: Value) throws(TypeError) -> Value {
      try builder.broadcast(scalar, to: builder.shape(of: crossEntropy))
    }
    var losses = [
      ("crossEntropy", crossEntropy, try weight(crossEntropyWeight)), ("mapLoss", mapLoss, try weight(coefficient)),
    ]
    if let encoder = try builder.encoderLoss(of: interpreter, target: inputs.target) {
      losses.append(("encoderLoss", encoder.loss, encoder.weight))
    }
    return try inputs.finish(name: mapStepName, losses: losses, in: builder)
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

  /// The step of the flow, and the image that it makes.
  func finish(name: String, losses: [(name: String, value: Value, weight: Value)], in builder: GraphBuilder)
    throws(TypeError) -> Graph
  {
    let flowLoss = try builder.flowLoss(flow)
    let warped = try builder.bilinearWarp(origin, flow: flow)
    let ofPixels = try builder.pullback(losses.map { ($0.value, $0.weight) }, to: [x])[0]
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
