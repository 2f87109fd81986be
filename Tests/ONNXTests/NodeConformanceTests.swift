import Foundation
import Operators
import SampleModels
import TensorTypes
import Testing

@testable import ONNX

/// ONNX's own node tests (`onnx/backend/test/data/node` of the Python package), run through import and reference evaluation.
///
/// They run where ADJOINT_ONNX_NODE_TESTS names their folder. A case is refused when it cannot be imported; a value that is
/// wrong is a failure.
@Suite struct NodeConformanceTests {
  private static let folder = ProcessInfo.processInfo.environment["ADJOINT_ONNX_NODE_TESTS"]

  @Test(.enabled(if: folder != nil, "ADJOINT_ONNX_NODE_TESTS names no folder of ONNX node tests"))
  func `Every ONNX node test that can be imported has its expected value`() throws {
    let folder = try #require(Self.folder)
    let only = ProcessInfo.processInfo.environment["ADJOINT_ONNX_NODE_TESTS_ONLY"]
    let cases = try FileManager.default.contentsOfDirectory(atPath: folder).sorted().filter { only == nil || $0 == only }
    #expect(!cases.isEmpty)
    var passed: [String] = []
    var refusals: [String: [String]] = [:]
    for name in cases {
      do {
        if let difference = try difference(folder + "/" + name) {
          Issue.record("\(name): \(difference)")
        } else {
          passed.append(name)
        }
      } catch {
        refusals[Self.reason(error), default: []].append(name)
      }
    }
    print("\(cases.count) node tests: \(passed.count) passed, \(refusals.values.reduce(0) { $0 + $1.count }) refused")
    for (reason, names) in refusals.sorted(by: { ($1.value.count, $0.key) < ($0.value.count, $1.key) }) {
      print("  \(names.count) \(reason): \(names.prefix(4).joined(separator: " "))")
    }
    #expect(passed.count >= 1)
  }

  /// Imports a case and compares its outputs; nil when they are as expected.
  private func difference(_ folder: String) throws -> String? {
    var inputs: [HostTensor] = []
    var expected: [HostTensor] = []
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/model.onnx")))
    let model = try ONNXModel(ModelBytes(copying: bytes), directory: nil)
    if model.graph.nodes.contains(where: { ImportRule.all[$0.type] == nil }) {
      _ = try importONNX(path: folder + "/model.onnx")
    }
    let initialised = Set(model.graph.initialisers.map(\.name))
    let declared = model.graph.inputs.filter { !initialised.contains($0.name) }
    for index in declared.indices { inputs.append(try tensor(folder + "/test_data_set_0/input_\(index).pb")) }
    for index in model.graph.outputs.indices { expected.append(try tensor(folder + "/test_data_set_0/output_\(index).pb")) }
    var options = ImportOptions()
    for (input, tensor) in zip(declared, inputs) {
      options.shapes[input.name] = tensor.shape.extents
      if !tensor.type.element.isFloatingPoint { options.values[input.name] = tensor }
    }
    var imported = Result { try importONNX(path: folder + "/model.onnx", options: options) }
    if case .failure(let error) = imported, "\(error)".contains("needs to be known when importing") {
      for (input, tensor) in zip(declared, inputs) { options.values[input.name] = tensor }
      imported = Result { try importONNX(path: folder + "/model.onnx", options: options) }
    }
    let graph = try imported.get().graph
    try graph.verify()
    let byName = Dictionary(uniqueKeysWithValues: zip(declared.map(\.name), inputs))
    let results: [HostTensor] = try graph.evaluate(
      graph.inputs.compactMap { byName[graph.name(ofInput: $0)] })
    for (output, (result, wanted)) in zip(model.graph.outputs, zip(results, expected)) {
      if result.type != wanted.type { return "output \(output.name) is \(result.type), expected \(wanted.type)" }
      guard case .tensor(let code, _) = output.kind else { continue }
      let (relative, absolute) = code == .float16 || code == .bfloat16 ? (1e-2, 1e-3) : (1e-3, 1e-7)
      let largest = wanted.doubles.reduce(0) { max($0, $1.isFinite ? abs($1) : 0) }
      for (index, (a, b)) in zip(result.doubles, wanted.doubles).enumerated()
      where !(a == b || a.isNaN && b.isNaN || abs(a - b) <= absolute + max(relative * abs(b), 1e-5 * largest)) {
        return "output \(output.name)[\(index)] of \(result.type) is \(a), expected \(b)"
      }
    }
    return nil
  }

  /// A TensorProto in a file of its own, read as the initialiser of an empty model.
  private func tensor(_ path: String) throws -> HostTensor {
    let content = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    let bytes = Wire().message(7, Wire().raw(5, content)).bytes
    let model = try ONNXModel(ModelBytes(copying: bytes), directory: nil)
    return try model.graph.initialisers[0].hostTensor(from: model.elements)
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case ImportError.unknownOperators(let operators): "no rule for " + operators.map(\.type).joined(separator: ", ")
    case ImportError.node(let node, let problem): "\(node.type): \(problem)"
    case ImportError.tensor(_, let problem): problem
    case ImportError.inputType(_, let found): "an input is \(found)"
    case is CocoaError: "an input or output is no tensor"
    default: "\(error)"
    }
  }
}
