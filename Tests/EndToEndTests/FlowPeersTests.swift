import Attacks
import Codegen
import Execution
import Foundation
import IR
import Interpreters
import NativeCompilation
import ONNX
import Passes
import Programs
import TensorTypes
import Testing

/// Three steps of ADV² on stAdv against GRAD, and the first against MASK where the gradient of its masks is given, against
/// values that PyTorch computed in f64.
@Suite struct FlowPeersTests {
  static let names = ["residual", "mobile"]

  private let optimiser = AMSGrad(rate: 0.01)

  private func reference(_ name: String) throws -> PeerReference {
    let folder = packageRoot.appendingPathComponent("graphs/peers").path
    return try PeerReference(model: "\(folder)/\(name)-legacy.onnx", arrays: "\(folder)/\(name)-flow.npz")
  }

  private func graphs(_ reference: PeerReference) throws -> [Graph] {
    let classifier = try Interpreters.Classifier(importONNX(path: reference.model, options: ImportOptions(batch: 2)).graph)
    var interpreter = GradientMap(classifier)
    interpreter.network = try Pipeline.prepare(interpreter.network)
    return try [
      FlowPrograms.warp(imageShape: classifier.imageShape),
      FlowPrograms.mapStep(interpreter, AttackSchedule(flow: "grad").objective),
    ].map { try Pipeline.simplify($0) }
  }

  /// The outputs of the first step with its gradient, and the flow after each step.
  private func steps(
    _ reference: PeerReference, _ run: (String, [String: HostTensor]) throws -> [String: HostTensor]
  ) throws -> [String: HostTensor] {
    let image = try reference.input("x")
    var flow = try reference.input("flow")
    var x = try #require(try run(FlowPrograms.warpName, ["x": image, "flow": flow])["warped"])
    var state = optimiser.initialState(flow.shape)
    var results = ["warped": x]
    for step in 1...3 {
      var inputs = try reference.stepInputs
      inputs["origin"] = image
      for (name, number) in [("smoothness", 0.0005), ("crossEntropyWeight", 2), ("coefficient", 0.05)] {
        inputs[name] = .scalar(number)
      }
      let given = [["x": x, "flow": flow], state, optimiser.numbers(step: step)]
      inputs = given.reduce(inputs) { $0.merging($1) { _, new in new } }
      let outputs = try run(FlowPrograms.mapStepName, inputs)
      flow = try #require(outputs["next.flow"])
      x = try #require(outputs["next.x"])
      state = try optimiser.nextState(in: outputs, of: FlowPrograms.mapStepName)
      if step == 1 {
        for loss in ["crossEntropy", "mapLoss", "flowLoss"] { results[loss] = outputs[loss] }
        // m = (1 − β₁) g after the first step.
        let moment = try #require(state["firstMoment"])
        results["gradient"] = HostTensor(moment.type, .double(moment.doubles.map { 10 * $0 }))
      }
      results["flow\(step)"] = flow
    }
    return results
  }

  private func stepAgainstMask(
    _ reference: PeerReference, _ run: (Graph, [String: HostTensor]) throws -> [String: HostTensor]
  ) throws -> [String: HostTensor] {
    let classifier = try Interpreters.Classifier(importONNX(path: reference.model, options: ImportOptions(batch: 2)).graph)
    var interpreter = try MaskInterpreter(classifier)
    interpreter.network = try Pipeline.prepare(interpreter.network)
    let flow = try reference.input("flow")
    var inputs = [
      "origin": try reference.input("x"), "flow": flow, "target": try reference["target"],
      "gradient": try reference.input("mask.pixels"), "smoothness": .scalar(0.0005),
      "marginFloor": .scalar(-5),
    ]
    // What f32 does not hold exactly goes in as f64 has it.
    let warped = try reference["warped"]
    inputs["x"] = HostTensor(TensorType(.float32, warped.shape), .double(warped.doubles))
    inputs = [optimiser.initialState(flow.shape), optimiser.numbers(step: 1)].reduce(inputs) {
      $0.merging($1) { _, new in new }
    }
    let outputs = try run(try Pipeline.simplify(try FlowPrograms.mapStep(interpreter)), inputs)
    let moment = try #require(outputs["next.firstMoment"])
    return [
      "mask.clampedMargin": try #require(outputs["clampedMargin"]), "mask.flow1": try #require(outputs["next.flow"]),
      "mask.gradient": HostTensor(moment.type, .double(moment.doubles.map { 10 * $0 })),
    ]
  }

  @Test("The step against MASK evaluated in f64 agrees with PyTorch f64, and compiled as far as f32 goes", arguments: names)
  func againstMask(name: String) throws {
    let reference = try reference(name)
    for (output, tensor) in try stepAgainstMask(reference, { try $0.evaluate($1) }) {
      #expect(try reference.distance(tensor, from: output) <= 1e-9, "\(output)")
    }
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    let compiled = try stepAgainstMask(reference) { graph, inputs in
      try Executable(try compiler.compile([graph]), threads: 2).run(graph.name, inputs)
    }
    for (output, tensor) in compiled { #expect(try reference.distance(tensor, from: output) <= 1e-4, "\(output)") }
  }

  @Test("The warp, the losses, the gradient and three steps evaluated in f64 agree with PyTorch f64", arguments: names)
  func evaluated(name: String) throws {
    let reference = try reference(name)
    let runner = ReferenceRunner(try graphs(reference))
    let results = try steps(reference, runner.run)
    for (output, tensor) in results {
      #expect(try reference.distance(tensor, from: output) <= 1e-9, "\(output)")
    }
  }

  @Test("Compiled code agrees as far as f32 goes", arguments: names)
  func compiled(name: String) throws {
    let reference = try reference(name)
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    let executable = try Executable(try compiler.compile(try graphs(reference)), threads: 2)
    let results = try steps(reference) { try executable.run($0, $1) }
    let bounds = [
      ("warped", 1e-6), ("crossEntropy", 1e-5), ("mapLoss", 1e-3), ("flowLoss", 1e-5), ("gradient", 2e-2), ("flow1", 1e-5),
    ]
    for (output, bound) in bounds {
      #expect(try reference.distance(try #require(results[output]), from: output) <= bound, "\(output)")
    }
  }
}
