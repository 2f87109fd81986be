import Attacks
import Codegen
import Execution
import IR
import Interpreters
import NativeCompilation
import ONNX
import Programs
import TensorTypes
import Testing

/// MASK and the lookahead of the attack on it, against values that PyTorch computed in f64.
@Suite struct MaskPeersTests {
  static let names = ["residual", "mobile", "smooth"]

  private func reference(_ name: String) throws -> PeerReference {
    let folder = packageRoot.appendingPathComponent("graphs/peers").path
    return try PeerReference(model: "\(folder)/\(name)-legacy.onnx", arrays: "\(folder)/\(name)-mask.npz")
  }

  private func interpreter(
    _ reference: PeerReference, _ version: MaskVersion = .v2, _ smoothness: MaskInterpreter.Smoothness = .paired
  ) throws -> MaskInterpreter {
    let model = try importONNX(path: reference.model, options: ImportOptions(batch: 2)).graph
    return try MaskInterpreter(Interpreters.Classifier(model), version: version, smoothness: smoothness)
  }

  /// A recorded array as f32 in f64 storage, so that the evaluator starts from the very numbers that PyTorch had.
  private func exact(_ reference: PeerReference, _ name: String) throws -> HostTensor {
    let tensor = try reference[name]
    return HostTensor(TensorType(.float32, tensor.shape), .double(tensor.doubles))
  }

  private func row(_ tensor: HostTensor, _ row: Int) -> HostTensor {
    tensor.type.element.isInteger
      ? HostTensor([2], Array(tensor.integers[2 * row..<2 * row + 2]))
      : HostTensor(TensorType(.float32, [2]), .double(Array(tensor.doubles[2 * row..<2 * row + 2])))
  }

  @Test(
    "Four steps of Adam on the mask agree with PyTorch f64 to 1e-9", arguments: names,
    [(MaskVersion.v2, MaskInterpreter.Smoothness.paired), (.v2, .transposed), (.v1, .paired)])
  func steps(name: String, form: (version: MaskVersion, smoothness: MaskInterpreter.Smoothness)) throws {
    let reference = try reference(name)
    let interpreter = try interpreter(reference, form.version, form.smoothness)
    let views = try MaskPrograms.views(interpreter).evaluate(["x": try reference.input("x")])
    let step = try MaskPrograms.step(interpreter)
    let keys = ["mask", "mean", "squares"]
    var state: [String: HostTensor] = [:]
    for key in keys { state[key] = try exact(reference, key) }
    let corrections = try exact(reference, "corrections")
    let offsets = try reference["offsets"]
    for number in 0..<4 {
      var inputs = views.merging(state) { _, own in own }
      inputs["class"] = try reference["target"]
      inputs["offset"] = row(offsets, number)
      inputs["corrections"] = row(corrections, number)
      state = try step.evaluate(inputs)
    }
    for key in keys {
      let distance = try reference.distance(
        try #require(state[key]), from: "\(key).\(form.version.rawValue).\(form.smoothness.rawValue)")
      #expect(distance <= 1e-9, "\(key)")
    }
  }

  private func lookaheadInputs(_ reference: PeerReference) throws -> [String: HostTensor] {
    var inputs = ["target": try reference["target"], "offsets": try reference["offsets"], "x": try reference.input("x")]
    for key in ["mask", "mean", "squares", "maskTarget", "corrections"] { inputs[key] = try exact(reference, key) }
    return inputs
  }

  @Test(
    "The first direction against the map agrees with PyTorch f64 to 1e-9", arguments: names, MaskPrograms.Lookahead.allCases)
  func lookahead(name: String, kind: MaskPrograms.Lookahead) throws {
    let reference = try reference(name)
    let graph = try MaskPrograms.lookahead(try interpreter(reference), kind)
    let outputs = try graph.evaluate(try lookaheadInputs(reference))
    let expected = [
      ("mapLoss", "mapLoss.\(kind.rawValue)"), ("direction", "direction.\(kind.rawValue)"),
      ("norm", "norm.\(kind.rawValue)"), ("mask", "mask.v2.paired"), ("mean", "mean.v2.paired"),
      ("squares", "squares.v2.paired"),
    ]
    for (output, recorded) in expected {
      #expect(try reference.distance(try #require(outputs[output]), from: recorded) <= 1e-9, "\(output)")
    }
  }

  @Test("Compiled code agrees as far as f32 goes", arguments: names)
  func compiled(name: String) throws {
    let reference = try reference(name)
    let graph = try MaskPrograms.lookahead(try interpreter(reference))
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    let results = try Executable(try compiler.compile([graph]), threads: 2)
      .run(
        graph.name,
        try lookaheadInputs(reference).mapValues { $0.type.element == .float32 ? HostTensor($0.shape, $0.floats) : $0 })
    #expect(try reference.distance(try #require(results["mapLoss"]), from: "mapLoss.detached") <= 1e-5)
    #expect(try reference.distance(try #require(results["norm"]), from: "norm.detached") <= 1e-3)
    #expect(try reference.distance(try #require(results["direction"]), from: "direction.detached") <= 1e-2)
  }

  @Test("Resizing and blurring with the large constants is PyTorch's")
  func operators() throws {
    let folder = packageRoot.appendingPathComponent("graphs/peers").path
    let reference = try PeerReference(model: "", arrays: "\(folder)/mask-operators.npz")
    let late = try MaskConstants(.v2, imageShape: [1, 3, 224, 224])
    let early = try MaskConstants(.v1, imageShape: [1, 3, 224, 224])
    let cases = [
      ("pixels", late.sharpening(2), "sharp"), ("pixels", late.blurring(3), "blurred"),
      ("places", late.enlarging(2), "mask"),
      ("pixels", early.blurring(2), "early"),
    ]
    for (input, operation, output) in cases {
      let x = try reference[input].doubles
      let y = (0..<operation.outputCount).map { row in
        zip(operation.rows[row * x.count..<(row + 1) * x.count], x).reduce(0.0) { $0 + $1.0 * $1.1 }
      }
      let expected = try reference[output]
      #expect(relativeDistance(HostTensor(expected.type, .double(y)), expected) <= 1e-12, "\(output)")
    }
  }
}
